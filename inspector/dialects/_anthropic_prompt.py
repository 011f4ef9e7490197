"""A request of any provider, written for the Messages API."""

from __future__ import annotations

from inspector.dialects._anthropic_parameters import write_choice, write_parameters, write_tools
from inspector.dialects._anthropic_turns import Lost, Turns, words_of
from inspector.dialects._base import Json
from inspector.model.message import Prompt


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """The body, and in words for the person what could not be said.

    What a prompt does not hold (marks for the prompt cache, the bytes of an image) is lost before it comes here.
    """
    lost = Lost()
    parameters = write_parameters(prompt.parameters, lost)
    body: Json = {"model": prompt.model, "max_tokens": parameters.pop("max_tokens")}
    system, turns = [], Turns(lost)
    begun = False
    for message in prompt.messages:
        if message.role != "system":
            turns.add(message)
            begun = True
            continue
        if begun:
            lost.say("instructions from within the conversation stand before it")
        system += words_of(message.parts, lost)
    if system:
        body["system"] = system[0]["text"] if len(system) == 1 else system
    body["messages"] = turns.close()
    if tools := write_tools(prompt.tools, lost):
        body["tools"] = tools
    if choice := write_choice(prompt.parameters, tools, lost):
        body["tool_choice"] = choice
    body |= parameters
    if prompt.stream:
        body["stream"] = True
    return body, lost.told()

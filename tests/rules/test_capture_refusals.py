"""Errors of real servers: which of them are about what the profile added, and who is not asked again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.dialects._logprobs import Wish
from inspector.rules.capture_refusals import Asking, Refusals, Refused, names_refused, refusal, words_of

ADDED = ("logprobs", "top_logprobs", "return_token_ids")
OTHERS = ("model", "messages", "tools", "stream", "max_tokens", "temperature", "parallel_tool_calls")


def openai_error(message: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}


def forbidden(*names: str) -> dict[str, Any]:
    extra = "Extra inputs are not permitted"
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": extra, "input": 1} for name in names]}


REFUSALS: list[tuple[Any, str]] = [
    (openai_error("Unrecognized request argument supplied: logprobs"), "Unrecognized request argument"),
    (openai_error("This model does not support the 'logprobs' parameter.", "logprobs"), "This model"),
    (openai_error("You are not allowed to request logprobs from this model"), "You are not allowed"),
    (openai_error("Unsupported parameter: 'top_logprobs' is not supported with this model."), "Unsupported parameter"),
    ({"error": {"code": 400, "message": "logprobs is not supported with tools + stream"}}, "logprobs is not"),
    ({"object": "error", "message": "`logprobs` is not supported for reasoning models", "code": 400}, "`logprobs` is"),
    (openai_error("`logprobs` is not supported with this model"), "`logprobs` is"),
    (forbidden("logprobs", "top_logprobs"), "body.logprobs: Extra inputs are not permitted; body.top_logprobs"),
    ([{"error": {"code": 400, "message": 'Unknown name "logprobs": Cannot find field.'}}], 'Unknown name "logprobs"'),
    ({"error": {"code": 400, "message": "Logprobs is not enabled for models/gemini-2.5-pro"}}, "Logprobs is not"),
    ({"error": "log probabilities are not available"}, "log probabilities"),
    (openai_error("Unsupported parameter."), "Unsupported parameter."),
    ({"error": {"code": "unsupported_parameter", "message": "Bad request"}}, "Bad request"),
]
OWN: list[Any] = [
    openai_error("Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens"),
    openai_error("Unrecognized request argument supplied: temperature"),
    openai_error("Invalid value for 'model'"),
    openai_error("Rate limit reached"),
    forbidden("parallel_tool_calls"),
    openai_error("Please include a key"),
    {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]},
    {},
    "overloaded",
]


@pytest.mark.parametrize(("error", "words"), REFUSALS)
def test_a_refusal_is_recognised_and_quoted(error: object, words: str) -> None:
    text = orjson.dumps(error).decode()
    assert names_refused(text, ADDED, OTHERS) == ADDED
    assert words_of(text).startswith(words) and len(words_of(text)) <= 200


@pytest.mark.parametrize("error", OWN)
def test_an_error_about_the_client_s_own_words_is_none(error: object) -> None:
    assert names_refused(orjson.dumps(error).decode(), ADDED, OTHERS) == ()


def test_numbers_alone_may_be_refused() -> None:
    for text in (orjson.dumps(forbidden("return_token_ids")).decode(), "unknown field RETURN_TOKEN_IDS"):
        assert names_refused(text, ADDED, OTHERS) == ("return_token_ids",)
    own = (*OTHERS, "return_token_ids")
    assert names_refused(orjson.dumps(forbidden("return_token_ids")).decode(), ADDED[:2], own) == ()


def test_both_may_be_refused_at_once() -> None:
    text = orjson.dumps(forbidden("return_token_ids", "logprobs")).decode()
    assert names_refused(text, ADDED, OTHERS) == ADDED


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('{"error":{"message":"Invalid value","param":"include[0]"}}', True),
        ('{"error":{"message":"Invalid value","param":"include"}}', True),
        ("Unknown parameter: include", True),
        ("please include a key in your request", False),
    ],
)
def test_include_is_a_word_of_its_own_only_where_it_names_a_member(text: str, refused: bool) -> None:
    added = ("include", "top_logprobs")
    assert names_refused(text, added, ("model", "input")) == (added if refused else ())
    assert names_refused(text, ("top_logprobs",), ("model", "input", "include")) == ()


def test_what_is_no_error_s_json_is_quoted_as_it_is() -> None:
    assert words_of("<html>\n 502  Bad\tGateway</html>") == "<html> 502 Bad Gateway</html>"
    assert words_of("[]") == "[]" and words_of('{"error": 7}') == '{"error": 7}'
    assert len(words_of("x" * 999)) == 200


def asking(model: str = "m", *, origin: str = "https://a", tools: bool = False, stream: bool = False) -> Asking:
    return Asking(origin, "openai-chat", model, tools, stream)


def after(*refused: Refused) -> Refusals:
    refusals = Refusals()
    for each in refused:
        refusals.add(each)
    return refusals


def test_who_refused_is_not_asked_again_and_others_are() -> None:
    refusals = after(refusal(asking(), "logprobs are not supported", ADDED))
    wish, why = refusals.left(asking(tools=True, stream=True), Wish())
    assert wish is None and "m at https://a refused them before" in why
    for other in (asking("m-2"), asking(origin="https://b")):
        assert refusals.left(other, Wish()) == (Wish(), "")


def test_llama_cpp_is_asked_again_without_tools() -> None:
    refusals = after(refusal(asking(tools=True, stream=True), "logprobs is not supported with tools + stream", ADDED))
    assert refusals.left(asking(tools=True, stream=True), Wish())[0] is None
    assert refusals.left(asking(stream=True), Wish()) == (Wish(), "")
    assert refusals.left(asking(tools=True), Wish()) == (Wish(), "")


def test_numbers_that_were_refused_leave_the_rest_to_be_asked_for() -> None:
    refusals = after(refusal(asking(), "extra: return_token_ids", ("return_token_ids",)))
    wish, why = refusals.left(asking(), Wish(5, token_ids=True))
    assert wish == Wish(5) and "token ids" in why
    assert refusals.left(asking(), Wish(None, token_ids=True))[0] is None
    assert refusals.left(asking(), Wish(5)) == (Wish(5), "")

"""The answer of Ollama's API, streamed or whole, read into a transcript."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import error_text, int_of, objects_of, present, text_of
from inspector.dialects._logprob_entries import entropy_of, logprob_of
from inspector.dialects._ollama_lines import add_line, bodies, saying
from inspector.model.message import Transcript, Usage
from inspector.wire.event import Event

_COUNTS = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)


class OllamaReader:
    """Reads one answer. Logprobs are left where they are, in the bytes; only their sums are kept."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._counted: Json = {}

    def event(self, event: Event) -> None:
        """Take one event. ValueError where it is not a JSON object."""
        if event.kind == "comment":
            return
        found = bodies(event.data)
        for body in found:
            self._take(body)
        if event.kind == "document" and len(found) == 1 and found[0].get("done") is not False:
            self._answer.complete = True

    def close(self) -> None:
        """Take the end of the response: an answer without its last line stays as it is."""

    def _take(self, body: Json) -> None:
        answer = self._answer
        if error := error_text(body):
            answer.error = error
            return
        answer.model = text_of(body.get("model")) or answer.model
        holder, words = saying(body)
        if words in holder or body.get("done") is not None:
            message = answer.choice(0)
            add_line(message.parts, body)
            message.finish_reason = text_of(body.get("done_reason")) or message.finish_reason
        else:
            self._transcript.note("a line is neither a piece of an answer nor an error")
        for entry in objects_of(body.get("logprobs")):
            answer.certainty.add(logprob_of(entry), entropy_of(entry))
        if body.get("done") is True:
            answer.complete = True
        if counted := present({name: body[name] for name in _COUNTS if name in body}):
            self._counted |= counted
            answer.usage = usage_of(self._counted)


def usage_of(counted: Json) -> Usage:
    """Usage from the counts of the last line; durations, in ns, stay as they are. A prompt that was cached whole is not
    counted by some versions.
    """
    return Usage(int_of(counted.get("prompt_eval_count")), int_of(counted.get("eval_count")), raw=dict(counted))

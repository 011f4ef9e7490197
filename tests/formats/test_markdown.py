"""Markdown: a conversation as a person reads it."""

from __future__ import annotations

import json

import pytest

from inspector.formats import EXPORTERS
from inspector.formats.markdown import Markdown
from inspector.model.flow import Capture, Flow, Mutation
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.snippets import SECRET, flow_to
from tests.formats.test_markdown_text import tokens
from tests.handmade import chat_chunks, done_chat, finish, respond, stream

CALL = {"id": "c1", "type": "function", "function": {"name": "Read", "arguments": '{"path":"a.md"}'}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
BODY = {
    "model": "m-1",
    "temperature": 0.5,
    "response_format": {"type": "json_object"},
    "tools": [{"type": "function", "function": {"name": "Read", "parameters": {}}}],
    "messages": [
        {"role": "system", "content": "Be short.\n\n# Rules\n- none"},
        {"role": "user", "content": [{"type": "text", "text": "What is in <a.md>?"}, PICTURE]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "text:\n````\n```js\nx\n```\n````"},
    ],
}
ANSWER = {
    "model": "m-1-2026",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "reasoning_content": "Hm </details>.", "content": "```js\n<b>\n"},
        }
    ],
    "usage": {
        "prompt_tokens": 1234,
        "completion_tokens": 20,
        "cost": 0.00125,
        "prompt_tokens_details": {"cached_tokens": 1000},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
}
GOLDEN = """# Flow `42`

- model: `m-1`, answered by `m-1-2026`
- request: `POST https://openrouter.ai/api/v1/chat/completions?key=sk-p...ghij`
- agent: `claude`
- time: 2025-11-21 08:00:00 UTC, 1.0 s
- tokens: 1,234 in (1,000 from the cache), 20 out (5 of reasoning)
- cost: $0.001250
- settings: `temperature=0.5`
- tools: `Read`
- changed by: `hand`

## System

> Be short.
>
> # Rules
> - none

## User

> What is in &lt;a.md>?

**Image**, `image/png`, 8 bytes

## Assistant

**Call** · `Read` · `c1`

```json
{
  "path": "a.md"
}
```

## Tool

**Result** · `Read` · `c1`

`````
text:
````
```js
x
```
````
`````

## Answer

<details>
<summary>Reasoning</summary>

> Hm &lt;/details>.

</details>

> ```js
> <b>
>

*ended:* `stop`
"""


def markdown(flow: Flow) -> str:
    """A flow as Markdown."""
    return Markdown().data(flow, Transcripts()).decode()


def conversation() -> Flow:
    """A flow with some of everything."""
    url = f"https://openrouter.ai/api/v1/chat/completions?key={SECRET}"
    flow = flow_to(url, json.dumps(BODY).encode(), [("Authorization", f"Bearer {SECRET}")])
    flow.agent = "claude"
    flow.mutations.append(Mutation("body", "hand"))
    return finish(stream(respond(flow, content_type="application/json"), [json.dumps(ANSWER).encode()]))


def test_a_conversation_reads_well() -> None:
    assert markdown(conversation()) == GOLDEN


def test_what_the_person_noted_is_told() -> None:
    flow = conversation()
    flow.marked, flow.comment = True, "why `twice`?\n# no heading"
    lines = markdown(flow).splitlines()
    assert "- marked" in lines and "# no heading" not in lines
    assert any(line.startswith("- comment: ") and "why `twice`?" in line for line in lines)


def test_several_flows_are_chapters() -> None:
    flows = [conversation(), done_chat("f2")]
    line = EXPORTERS["markdown"].lines(flows, Transcripts(limit=1))
    text = b"".join(map(line, flows)).decode()
    assert text.startswith(GOLDEN + "\n# Flow `0`\n") and text.endswith("*ended:* `stop`\n\n")


@pytest.mark.parametrize(
    ("usd", "words"), [(0, "$0.000000"), (2e-8, "less than $0.000001"), (0.000001, "$0.000001"), (12.5, "$12.500000")]
)
def test_a_cost_is_never_nothing_that_is_some(usd: float, words: str) -> None:
    flow = flow_to("https://openrouter.ai/api/v1/chat/completions", json.dumps(BODY).encode())
    answer = {**ANSWER, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": usd}}
    finish(stream(respond(flow, content_type="application/json"), [json.dumps(answer).encode()]))
    assert f"\n- cost: {words}\n" in markdown(flow)


def test_what_only_the_price_list_knows_is_said_to_be_so() -> None:
    flow = done_chat()
    (line,) = [line for line in markdown(flow).split("\n") if line.startswith("- cost: ")]
    assert line.startswith("- cost: $0.0000") and line.endswith(" by the price list")


def test_what_is_odd_is_told() -> None:
    flow = respond(done_chat(chunks=chat_chunks(tool=("Bash", '{"cut'))), 500)
    flow.error = "it `broke`\n# here"
    flow.label = "4`2.1"
    text = markdown(stream(flow, chat_chunks(tool=("Bash", '{"cut'))))
    assert text.startswith("# Flow ``4`2.1``\n")
    assert "- status: 500\n- error: ``it `broke` # here``\n" in text
    assert '```\n{"cut\n```' in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a":[1.50]}', '## Request\n\n```json\n{\n  "a": [\n    1.50\n  ]\n}\n```\n'),
        (b"plain ``` text", "## Request\n\n````\nplain ``` text\n````\n"),
        (b"\xff\0", "## Request\n\n`application/json`, 2 bytes that are no text\n"),
        (b"", "UTC\n"),
    ],
)
def test_what_is_no_conversation_shows_its_bodies(body: bytes, words: str) -> None:
    assert markdown(flow_to("https://host.example/elsewhere", body)).endswith(words)


def test_a_sealed_or_half_character_does_no_harm() -> None:
    flow = conversation()
    flow.request.body = Capture(b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}')
    assert "\n> ?\n" in markdown(flow)


def test_recorded_conversations_hold_no_html_of_others() -> None:
    flows = 0
    for flow in capture_flows():
        found = [token for token in tokens(markdown(flow)) if token.type in ("html_block", "html_inline", "image")]
        assert all(token.content.startswith(("<details>\n<summary>Reasoning", "</details>")) for token in found)
        flows += 1
    assert flows > 100

"""Model, token limits and thinking: what the profile makes of them, and what it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.rules.capture_draft import Draft, parse
from inspector.rules.capture_limits import (
    ANTHROPIC,
    CHAT,
    LIMITS,
    RESPONSES,
    cap,
    disable_thinking,
    override_model,
    reasons,
    translate,
)

CAP = 16384


def draft(**body: Any) -> Draft:
    return Draft(orjson.dumps(body), dict(body))


def written(of: Draft) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(of.written())
    assert said == of.body, "what it says and what it writes"
    return said


def told(of: Draft) -> list[tuple[str, str, str]]:
    assert {mutation.by for mutation in of.mutations} <= {"capture"}
    return [(mutation.name, mutation.before, mutation.after) for mutation in of.mutations]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5", True),
        ("GPT-5-mini", True),
        ("openai/o3", True),
        ("a/b/gpt-5", True),
        ("o1-preview", True),
        ("ft:o4-mini-2025-04-16:org", True),
        ("gpt-4o", False),
        ("gpt-5/claude", False),
        ("foo1", False),
        ("", False),
    ],
)
def test_the_last_segment_of_a_model_tells_whether_it_reasons(model: str, expected: bool) -> None:
    assert reasons(model) is expected


@pytest.mark.parametrize("override", [None, "openai/o3", "gpt-4o-mini"])
@pytest.mark.parametrize("asked", ["gpt-5-mini", "gpt-4o"])
@pytest.mark.parametrize("limits", [{"max_tokens": 32000}, {"max_completion_tokens": 9}, {"max_tokens": 7}, {}])
@pytest.mark.parametrize("most", [None, CAP])
def test_the_model_that_is_asked_in_the_end_decides(
    override: str | None, asked: str, limits: dict[str, int], most: int | None
) -> None:
    it = draft(model=asked, **limits)
    if override:
        override_model(it, CHAT, override)
    translate(it, CHAT)
    if most:
        cap(it, CHAT, most)
    model = override or asked
    name = "max_completion_tokens" if reasons(model) else "max_tokens"
    expected = {name if key == "max_tokens" else key: value for key, value in limits.items()}
    expected = {key: min(value, most or value) for key, value in expected.items()}
    assert written(it) == {"model": model, **expected}


def test_every_change_is_told_step_by_step() -> None:
    it = draft(model="gpt-4o", max_tokens=32000)
    override_model(it, CHAT, "o3")
    translate(it, CHAT)
    assert cap(it, CHAT, CAP) == ""
    assert told(it) == [
        ("model", "gpt-4o", "o3"),
        ("max_tokens", "32000", "max_completion_tokens 32000"),
        ("max_completion_tokens", "32000", "16384"),
    ]


def test_a_limit_under_the_new_name_wins() -> None:
    it = draft(model="o3", max_tokens=32000, max_completion_tokens=500)
    translate(it, CHAT)
    assert written(it) == {"model": "o3", "max_completion_tokens": 500}
    assert told(it) == [("max_tokens", "32000", "")]


@pytest.mark.parametrize("dialect", [RESPONSES, ANTHROPIC])
def test_only_chat_completions_has_two_names(dialect: str) -> None:
    it = draft(model="o3", max_tokens=32000)
    translate(it, dialect)
    assert it.written() == orjson.dumps({"model": "o3", "max_tokens": 32000}) and not it.mutations


def test_another_model_is_put_in_where_none_is_named() -> None:
    it = draft(messages=[])
    override_model(it, CHAT, "m-2")
    assert written(it) == {"messages": [], "model": "m-2"} and told(it) == [("model", "", "m-2")]


def test_the_same_model_is_no_change_and_one_in_the_url_stays() -> None:
    for it, dialect in ((draft(model="m"), CHAT), (draft(messages=[]), ANTHROPIC)):
        override_model(it, dialect, "m")
        assert not it.mutations


@pytest.mark.parametrize("dialect", LIMITS)
@pytest.mark.parametrize("value", [True, None, "32000", 32000.0, 16384, 0, -1])
def test_what_is_no_whole_number_above_the_cap_stays(dialect: str, value: object) -> None:
    for name in LIMITS[dialect]:
        it = draft(model="m", **{name: value})
        assert cap(it, dialect, CAP) == "" and not it.mutations
        assert it.written() == orjson.dumps({"model": "m", name: value})


@pytest.mark.parametrize("dialect", LIMITS)
def test_each_dialect_has_its_own_names(dialect: str) -> None:
    names = {name for names in LIMITS.values() for name in names}
    it = draft(**dict.fromkeys(names, 99999))
    cap(it, dialect, 100)
    assert {name for name, value in written(it).items() if value == 100} == set(LIMITS[dialect])


@pytest.mark.parametrize(
    ("budget", "left"), [(CAP - 1, CAP), (CAP, 32000), (31999, 32000), (True, CAP), ("x", CAP), (None, CAP)]
)
def test_a_cap_below_the_thinking_budget_is_not_made(budget: object, left: int) -> None:
    it = draft(max_tokens=32000, thinking={"type": "enabled", "budget_tokens": budget})
    remark = cap(it, ANTHROPIC, CAP)
    assert written(it)["max_tokens"] == left
    assert bool(remark) is (left == 32000) and (str(budget) in remark or not remark)


@pytest.mark.parametrize(
    ("given_kwargs", "expected"),
    [
        ({}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ({"chat_template_kwargs": None}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ({"chat_template_kwargs": {}}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ({"chat_template_kwargs": {"a": 1}}, {"chat_template_kwargs": {"a": 1, "enable_thinking": False}}),
    ],
)
def test_thinking_is_switched_off(given_kwargs: dict[str, Any], expected: dict[str, Any]) -> None:
    it = draft(model="qwen", **given_kwargs)
    disable_thinking(it, CHAT)
    assert written(it) == {"model": "qwen", **expected} and told(it) == [("enable_thinking", "", "false")]


@pytest.mark.parametrize("wanted", [True, False, None])
def test_whoever_says_what_thinking_shall_be_has_it_so(wanted: bool | None) -> None:
    for dialect, kwargs in ((CHAT, {"enable_thinking": wanted}), (CHAT, "odd"), (RESPONSES, {})):
        it = draft(chat_template_kwargs=kwargs)
        disable_thinking(it, dialect)
        assert not it.mutations and it.written() == orjson.dumps({"chat_template_kwargs": kwargs})


def test_the_rest_of_a_template_s_settings_keeps_its_bytes() -> None:
    data = b'{ "chat_template_kwargs" : {"a" : 1.50, "\\u0062":[ ]} , "model":"q"}'
    it = Draft(data, orjson.loads(data))
    disable_thinking(it, CHAT)
    assert it.written() == data.replace(b":[ ]}", b':[ ], "enable_thinking" : false}')


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(
    st.sampled_from(["model", "max_tokens", "max_completion_tokens", "messages", "x"]) | TEXTS, JSON
)


@given(BODIES, st.sampled_from([None, 0, 2]), st.booleans(), st.integers(1, 100_000))
def test_a_cap_changes_its_numbers_alone_and_once(
    body: dict[str, Any], indent: int | None, escaped: bool, most: int
) -> None:
    def spelled() -> bytes:
        return json.dumps(body, indent=indent, ensure_ascii=escaped).encode()

    data = spelled()
    it = Draft(data, parse(data) or {})
    cap(it, CHAT, most)
    for name in LIMITS[CHAT]:
        if type(value := body.get(name)) is int:
            body[name] = min(value, most)
    assert it.written() == spelled(), "no other byte has changed"
    again = Draft(spelled(), parse(spelled()) or {})
    cap(again, CHAT, most)
    assert again.written() == spelled() and not again.mutations

"""An edit says what the person wrote, and leaves every other byte alone."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.json_edit import (
    change_at,
    delete_at,
    insert_at,
    minimal_edit,
    move_at,
    pretty,
    replace_at,
    value_at,
)
from inspector.wire.json_errors import JsonError
from inspector.wire.json_path import Path, find
from inspector.wire.json_spans import MAX_DEPTH, scan, walk
from tests.wire.json_texts import SCALARS, SPELLED, meaning

ODD = b'{ "model":"x",  "n" : 1.0,\n"messages":[ {"role":"user","content":"caf\\u00e9 \\/"},{"role":"tool"} ] }\n'


@given(SPELLED, SPELLED)
@settings(max_examples=300, deadline=None)
def test_it_says_what_the_edited_text_says(original: bytes, edited: bytes) -> None:
    assert meaning(minimal_edit(original, edited)) == meaning(edited)


@given(SPELLED)
@settings(max_examples=150, deadline=None)
def test_nothing_edited_is_nothing_changed(original: bytes) -> None:
    assert meaning(pretty(original)) == meaning(original)
    assert minimal_edit(original, pretty(original)) == original
    assert minimal_edit(original, original) == original


@given(SPELLED, SCALARS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_changed_leaf_changes_only_its_bytes(original: bytes, leaf: str, chance: random.Random) -> None:
    document = scan(original)
    node = chance.choice([node for node in walk(document.root) if not node.children])
    changed = original[: node.start] + leaf.encode() + original[node.end :]
    result = minimal_edit(original, pretty(changed))
    assert result.startswith(original[: node.start])
    assert result.endswith(original[node.end :])
    assert meaning(result) == meaning(changed)


@given(SPELLED, st.lists(SPELLED, min_size=1, max_size=4), st.data())
@settings(max_examples=150, deadline=None)
def test_lists_can_be_changed_in_every_way(first: bytes, more: list[bytes], data: st.DataObject) -> None:
    entries = [first, *more]
    body = b'{"list": [' + b" , ".join(entries) + b"]}"
    given_index = st.integers(-len(entries), len(entries) - 1)
    at, to = data.draw(given_index), data.draw(given_index)
    wanted = [meaning(entry) for entry in entries]
    moved = wanted.copy()
    moved.insert(to % len(moved), moved.pop(at))
    assert meaning(move_at(body, ("list",), at, to)) == ("object", [("list", moved)])
    inserted = wanted.copy()
    inserted.insert(at, meaning(first))
    assert meaning(insert_at(body, ("list",), at, first.decode())) == ("object", [("list", inserted)])
    result = delete_at(body, ("list", at))
    del wanted[at]
    assert meaning(result) == ("object", [("list", wanted)])
    for index, entry in enumerate(entries):
        assert index == at % len(entries) or entry in result


def test_a_small_edit_of_an_odd_text() -> None:
    edited = pretty(ODD).replace("café", "cafés").replace('"tool"', '"assistant"')
    assert minimal_edit(ODD, edited) == ODD.replace(b"caf\\u00e9", b"caf\\u00e9s").replace(b"tool", b"assistant")


def test_pretty_keeps_numbers_order_and_doubled_keys_and_shows_what_is_hidden() -> None:
    data = '{"b":1.10,"a":1e400,"b":[],"c":{ },"d":"\\u00e9\\/\\ud800\u202eé\U000e0041"}'.encode()
    assert pretty(data) == "\n".join(
        [
            "{",
            '  "b": 1.10,',
            '  "a": 1e400,',
            '  "b": [],',
            '  "c": {},',
            '  "d": "é/\\ud800\\u202eé\\udb40\\udc41"',
            "}",
        ]
    )


@pytest.mark.parametrize(
    ("original", "edited", "expected"),
    [
        ('{"a":1}', '{"a":1,"b":{"c":[1,2]}}', '{"a":1,"b":{"c":[1,2]}}'),
        ('{"a": 1}', '{"a":1,"b":{"c":[1,2]}}', '{"a": 1, "b": {"c": [1, 2]}}'),
        ('{\n  "a": 1\n}', '{"a":1,"b":{"c":[]}}', '{\n  "a": 1,\n  "b": {\n    "c": []\n  }\n}'),
        ('{\r\n\t"a": 1\r\n}', '{"a":1,"b":[2]}', '{\r\n\t"a": 1,\r\n\t"b": [\r\n\t\t2\r\n\t]\r\n}'),
        ('{"a":"\\u00e9","b":""}', '{"a":"é","b":"ü"}', '{"a":"\\u00e9","b":"\\u00fc"}'),
        ('{"a":1,"b":2,"c":3}', '{"c":3,"a":1}', '{"c":3,"a":1}'),
        ('{"old": {"x":  1}}', '{"new": {"x": 1}}', '{"new": {"x":  1}}'),
        ("[1 , 2 , 3]", "[1, 3]", "[1 , 3]"),
        ("[[1,  2], [3,  4]]", "[[3,4],[1,2]]", "[[3,  4], [1,  2]]"),
        ("[[1,  2], [3,  4]]", "[[3,5],[0,0],[1,2]]", "[[3,  5], [0, 0], [1,  2]]"),
        ('[{"a":  1, "b": 2}]', '[{"c": 0}, {"a":1,"b":3}]', '[{"c":  0}, {"a":  1, "b": 3}]'),
        ("[1,2]", "[]", "[]"),
        ("[ ]", "[1]", "[1]"),
        ("1.0", "1", "1"),
        (" 1 ", '{"a":[]}', ' {"a":[]} '),
        ("no json", '{"a": 1}', '{"a": 1}'),
    ],
)
def test_new_pieces_look_like_the_old_ones(original: str, edited: str, expected: str) -> None:
    assert minimal_edit(original.encode(), edited) == expected.encode()


def test_what_is_wrong_is_said_of_the_edited_text() -> None:
    with pytest.raises(JsonError, match="line 2, column 3: a comma is missing before this"):
        minimal_edit(ODD, '{"a": 1\n  "b": 2}')


def test_other_messages_keep_their_bytes() -> None:
    messages = [f'{{ "role":"user" ,"content":"{number}" }}' for number in range(6)]
    original = f'{{"messages":[{", ".join(messages)}],"stream":true}}'.encode()
    body = json.loads(original)
    new = {"role": "user", "content": "new"}
    body["messages"] = [body["messages"][index] for index in (0, 3, 2, 5)]
    body["messages"].insert(1, new)
    result = minimal_edit(original, json.dumps(body, indent=4)).decode()
    kept = [messages[0], '{"role":"user" ,"content":"new"}', messages[3], messages[2], messages[5]]
    assert (
        result.replace('{ "role":"user" ,"content":"new" }', kept[1])
        == f'{{"messages":[{", ".join(kept)}],"stream":true}}'
    )


def test_one_value_is_read_and_replaced() -> None:
    assert value_at(ODD, ("messages", -1)) == '{\n  "role": "tool"\n}'
    assert value_at(ODD, ("messages", 0, "content")) == '"café /"'
    assert replace_at(ODD, ("messages", -1, "role"), '"user"') == ODD.replace(b"tool", b"user")
    assert replace_at(ODD, ("n",), "2") == ODD.replace(b"1.0", b"2")


def test_an_object_gets_a_key_that_it_did_not_have() -> None:
    assert replace_at(b'{"a": 1}', ("odd key",), "[1,2]") == b'{"a": 1, "odd key": [1, 2]}'
    assert replace_at(b"{}", ("a",), "0") == b'{"a":0}'
    assert replace_at(b'[{"a":1}]', (-1, "b"), "0") == b'[{"a":1,"b":0}]'


def test_several_values_are_changed_at_once() -> None:
    data = b'{"a": [1, 2, 3], "b": {"c": 1}, "d": 4}'
    changes: dict[Path, str | None] = {
        ("a", 0): None,
        ("a", -1): "9",
        ("b", "c"): None,
        ("b",): '{"c": 5}',
        ("d",): None,
        ("e",): "6",
    }
    assert change_at(data, changes) == b'{"a": [2, 9], "b": {"c": 5}, "e": 6}'


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("x",), "the document has no 'x'"),
        (("messages", 7), r"messages has 2 entries: there is no \[7\]"),
        (("messages", "role"), "messages is a list: it has no 'role'"),
        (("model", 0), r"model is a string: it has no \[0\]"),
    ],
)
def test_a_path_that_leads_nowhere(path: tuple[str | int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        delete_at(ODD, path)


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(ValueError, match="whole document"):
        delete_at(ODD, ())
    with pytest.raises(ValueError, match="model is no list"):
        insert_at(ODD, ("model",), 0, "1")
    with pytest.raises(ValueError, match="messages has 2 entries: there is no place 3"):
        insert_at(ODD, ("messages",), 3, "1")
    with pytest.raises(ValueError, match=r"there is no \[2\]"):
        move_at(ODD, ("messages",), 0, 2)
    with pytest.raises(ValueError, match="messages is a list"):
        replace_at(ODD, ("messages", "x"), "1")


def test_the_deepest_text_can_be_edited() -> None:
    deep = b"[" * (MAX_DEPTH - 1) + b'{"a":1}' + b"]" * (MAX_DEPTH - 1)
    edited = pretty(deep).replace("1", "2")
    assert minimal_edit(deep, edited) == deep.replace(b"1", b"2")
    path = (0,) * (MAX_DEPTH - 1)
    assert find(scan(replace_at(deep, (*path, "a"), "3")), path)[0] == path


def test_half_characters_survive_the_editor() -> None:
    original = b'{"a":"\\ud83d","b":1}'
    assert minimal_edit(original, '{"a":"\ud83d","b":2}') == b'{"a":"\\ud83d","b":2}'


def test_a_long_list_of_small_changes_is_merged() -> None:
    original = json.dumps(list(range(2000))).encode()
    edited = json.dumps([number + 5000 for number in range(1999)])
    assert minimal_edit(original, edited) == edited.encode()

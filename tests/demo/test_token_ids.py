"""Numbers of tokens: the vocabulary's own first, then one for each that is new."""

from __future__ import annotations

import pytest

from inspector.demo import token_ids
from inspector.demo.model import END, NGramModel
from inspector.demo.token_ids import TokenIds

TINY = NGramModel({"tale": ["the boat left"]})


def test_the_vocabulary_comes_first_and_new_tokens_behind_it() -> None:
    ids = TokenIds(TINY)
    assert ids.of(TINY.vocabulary) == list(range(len(TINY.vocabulary)))
    size = len(TINY.vocabulary)
    assert ids.of([b"new", END, b"newer", b"new"]) == [size, 0, size + 1, size]


def test_there_is_an_end_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    most = len(TINY.vocabulary) + 1
    monkeypatch.setattr(token_ids, "MOST", most)
    assert TokenIds(TINY).of([b"a", b"b", b"c", b"a", END]) == [most - 1, most, most, most - 1, 0]

"""The prompt cache counts what two prompts really share."""

from __future__ import annotations

from inspector.demo.prompt_cache import BLOCK, PromptCache, size

WORDS = " ".join(f"word{number}" for number in range(100))


def test_the_first_prompt_shares_nothing() -> None:
    counted = PromptCache().add("m", [WORDS])
    assert (counted.total, counted.cached) == (size([WORDS]), 0)
    assert counted.written == counted.total // BLOCK * BLOCK


def test_a_longer_prompt_shares_the_shorter_one() -> None:
    cache = PromptCache()
    first = cache.add("m", ["system", WORDS])
    second = cache.add("m", ["system", WORDS, WORDS])
    assert second.cached == first.total // BLOCK * BLOCK > 0
    assert second.total == size(["system"]) + 2 * size([WORDS])


def test_sharing_ends_at_the_first_difference() -> None:
    cache = PromptCache()
    cache.add("m", ["system", WORDS])
    assert cache.add("m", ["another", WORDS]).cached == 0
    half = WORDS[: len(WORDS) // 2]
    assert 0 < cache.add("m", ["system", half + " and on"]).cached <= size(["system", half])


def test_models_share_nothing() -> None:
    cache = PromptCache()
    cache.add("m", [WORDS])
    assert cache.add("n", [WORDS]).cached == 0

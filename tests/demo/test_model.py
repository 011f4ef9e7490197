"""The model is honest: its probabilities are normalised, and what it reports is what it samples from."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.demo.model import DISCOUNT, NGramModel, Sampled, Speaking, demo_model, read_sections

TINY = NGramModel({"tale": ["the boat left", "the boat sank", "the gull left"]})


def _walk(seed: int, steps: int) -> list[tuple[int, ...]]:
    """Contexts that the shipped model meets while it speaks."""
    model, text = demo_model(), ""
    contexts = [model.opening("harbour")]
    for sampled in islice(model.speak("harbour", random.Random(seed), Speaking(endless=True)), steps):
        text += sampled.data.decode("utf-8", "replace")
        contexts.append(model.context(text))
    return contexts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_probabilities_sum_to_one(seed: int) -> None:
    for context in _walk(seed, 30):
        for speaking in (Speaking(), Speaking(frozenset([b" parser", b" tests"])), Speaking(endless=True)):
            probabilities = demo_model().probabilities(context, speaking)
            assert len(probabilities) == len(demo_model().vocabulary)
            assert math.fsum(probabilities) == pytest.approx(1.0)
            assert min(probabilities) >= 0.0


def test_an_estimate_by_hand() -> None:
    """Three tokens a tale, its end, and the break before the next: 15 in all, of which "boat" is two.

    After "the" it came twice in three; the discount of both words seen there goes to its share of all tokens.
    """
    boat = TINY.vocabulary.index(b" boat")
    assert TINY.probabilities(())[boat] == pytest.approx(2 / 15)
    assert TINY.probabilities(TINY.context("the"))[boat] == pytest.approx(
        (2 - DISCOUNT) / 3 + DISCOUNT * 2 / 3 * (2 / 15)
    )


def test_an_unknown_word_takes_the_context_away() -> None:
    assert TINY.context("the unheard") == ()
    assert TINY.context("unheard boat") == TINY.context(" boat")


def test_the_longest_known_context_decides_most() -> None:
    left, sank = TINY.vocabulary.index(b" left"), TINY.vocabulary.index(b" sank")
    after_gull = TINY.probabilities(TINY.context("the gull"))
    assert after_gull[left] > 0.9
    assert 0 < after_gull[sank] < 0.1


def test_reported_log_probabilities_are_those_of_the_distribution() -> None:
    model, speaking = demo_model(), Speaking(frozenset([b" clock"]), top=5)
    for context in _walk(7, 25):
        probabilities = model.probabilities(context, speaking)
        sampled = model.sample(context, random.Random(len(context)), speaking)
        assert math.exp(sampled.logprob) == pytest.approx(probabilities[model.vocabulary.index(sampled.data)])
        assert [math.exp(other.logprob) for other in sampled.top] == pytest.approx(sorted(probabilities)[:-6:-1])


def test_temperature_changes_the_choice_and_not_what_is_reported() -> None:
    context = TINY.context("the")
    cold = [TINY.sample(context, random.Random(seed), Speaking(temperature=0.0)) for seed in range(20)]
    assert {sampled.data for sampled in cold} == {b" boat"}
    assert math.exp(cold[0].logprob) == pytest.approx(max(TINY.probabilities(context)))
    assert _frequency(context, 0.02) == 1.0
    assert _frequency(context, 0.5) > _frequency(context, 1.0) > _frequency(context, 4.0)


def _frequency(context: tuple[int, ...], temperature: float) -> float:
    chance, speaking = random.Random(5), Speaking(temperature=temperature)
    return sum(TINY.sample(context, chance, speaking).data == b" boat" for _ in range(2000)) / 2000


def test_samples_are_as_frequent_as_they_are_probable() -> None:
    """Chi-square over 5,000 samples with a fixed seed; at 6 degrees of freedom 22.5 is passed once in a thousand."""
    context, chance = TINY.context("the"), random.Random(11)
    expected = TINY.probabilities(context)
    drawn = Counter(TINY.sample(context, chance, Speaking()).data for _ in range(5000))
    cells = [(drawn[token], 5000 * part) for token, part in zip(TINY.vocabulary, expected, strict=True) if part]
    assert len(cells) == 7
    assert sum((seen - mean) ** 2 / mean for seen, mean in cells) < 22.5


def test_the_topic_makes_its_words_likelier() -> None:
    model, clock = demo_model(), b" clock"
    place, context = model.vocabulary.index(clock), model.context("says the")
    plain, bent = model.probabilities(context), model.probabilities(context, Speaking(frozenset([clock])))
    assert 0 < plain[place] < bent[place]


def test_endless_speech_never_ends() -> None:
    chance = random.Random(1)
    assert len(list(islice(demo_model().speak("harbour", chance, Speaking(endless=True)), 1500))) == 1500
    assert len(list(islice(demo_model().speak("harbour", chance, Speaking()), 5000))) < 5000


@settings(max_examples=20, deadline=None)
@given(st.integers())
def test_a_seed_says_everything(seed: int) -> None:
    def spoken() -> list[Sampled]:
        return list(islice(demo_model().speak("answer", random.Random(seed), Speaking(top=3)), 60))

    assert spoken() == spoken()


def test_every_section_of_the_shipped_text_can_open_an_answer() -> None:
    model = demo_model()
    assert {"thinking", "acting", "delegating", "titles", "answer", "exploring", "harbour"} <= set(model.sections)
    for section in model.sections:
        assert next(model.speak(section, random.Random(3), Speaking(endless=True))).data.strip()


def test_sections_are_read_by_their_headings() -> None:
    assert read_sections("# one\n\na\nb\n\nc\n\n# two\n\nd\n") == {"one": ["a b", "c"], "two": ["d"]}

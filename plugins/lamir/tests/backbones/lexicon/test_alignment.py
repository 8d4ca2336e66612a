"""IBM Model 1 against a slow one of dictionaries, and against the textbook's example."""

from __future__ import annotations

from collections import defaultdict
from math import log

import numpy as np
import pytest
from harness_lamir.backbones.lexicon.alignment import model_one
from hypothesis import given
from hypothesis import strategies as st

Pairs = list[tuple[list[int], list[int]]]
SENTENCES = st.lists(
    st.tuples(st.lists(st.integers(0, 6), max_size=5), st.lists(st.integers(0, 6), max_size=5)), min_size=1, max_size=8
).filter(lambda pairs: any(f and e for f, e in pairs))


def slow(pairs: Pairs, iterations: int, start: float | None = None) -> tuple[dict[tuple[int, int], float], list[float]]:
    """Return t(e|f) by (f, e) and the mean log-likelihoods, pair by pair as the algorithm is printed.

    It starts at one number for all, or else at 1 over the number of e that f was seen with.
    """
    together = {(f, e) for fs, es in pairs for f in fs for e in es}
    t = {(f, e): start or 1 / sum(g == f for g, _ in together) for f, e in together}
    likelihoods = []
    for _ in range(iterations):
        counts: dict[tuple[int, int], float] = defaultdict(float)
        totals: dict[int, float] = defaultdict(float)
        logs = []
        for fs, es in pairs:
            for e in es if fs else []:
                total = sum(t[f, e] for f in fs)
                logs.append(log(total))
                for f in fs:
                    counts[f, e] += t[f, e] / total
                    totals[f] += t[f, e] / total
        t = {(f, e): counts[f, e] / totals[f] for f, e in together}
        likelihoods.append(sum(logs) / len(logs))
    return t, likelihoods


@given(SENTENCES, st.integers(1, 6))
def test_probabilities_are_those_of_the_slow_one(pairs: Pairs, iterations: int) -> None:
    """Repeated words, empty sides and all; sorted by word and falling probability."""
    found = model_one([f for f, _ in pairs], [e for _, e in pairs], iterations=iterations)
    expected, likelihoods = slow(pairs, iterations)
    table = dict(zip(zip(found.foreign.tolist(), found.english.tolist(), strict=True), found.probability, strict=True))
    assert table == pytest.approx(expected, abs=1e-9)
    assert found.likelihoods == pytest.approx(likelihoods, abs=1e-9)
    order = list(zip(found.foreign, -found.probability, strict=True))
    assert order == sorted(order)


@given(SENTENCES)
def test_the_likelihood_never_falls(pairs: Pairs) -> None:
    """Each word's probabilities add up to 1, and every English word is counted once."""
    found = model_one([f for f, _ in pairs], [e for _, e in pairs], iterations=15)
    assert (np.diff(found.likelihoods) >= -1e-12).all()
    sums = np.bincount(found.foreign, found.probability)
    np.testing.assert_allclose(sums[np.unique(found.foreign)], 1)
    assert found.counts.sum() == pytest.approx(sum(len(e) for f, e in pairs if f))


def test_the_textbook_example() -> None:
    """Three pairs, das Haus, das Buch, ein Buch: Koehn, "Statistical Machine Translation", 2010, figure 4.4."""
    das, haus, buch, ein = range(4)
    the, house, book, a = range(4)
    foreign, english = [[das, haus], [das, buch], [ein, buch]], [[the, house], [the, book], [a, book]]

    printed, _ = slow(list(zip(foreign, english, strict=True)), 3, start=0.25)  # the slow one is the textbook's
    assert printed[das, the] == pytest.approx(0.7479, abs=1e-4)
    assert printed[das, book] == pytest.approx(0.1208, abs=1e-4)
    found = model_one(foreign, english, iterations=300)
    table = dict(zip(zip(found.foreign, found.english, strict=True), found.probability, strict=True))
    assert all(table[pair] > 0.97 for pair in ((das, the), (buch, book), (haus, house), (ein, a)))


def test_long_pairs_are_left_out() -> None:
    """A pair of more than 3600 combinations is not read, whatever else there is."""
    found = model_one([[0], [1] * 61], [[0], [1] * 60], iterations=2)
    assert found.foreign.tolist() == [0]


def test_nothing_to_learn_from_is_told() -> None:
    """No pair with words on both sides, and no iteration, are errors."""
    with pytest.raises(ValueError, match="no pair has words on both sides"):
        model_one([[], [1]], [[0], []])
    with pytest.raises(ValueError, match="iterations must be 1 or more"):
        model_one([[0]], [[0]], iterations=0)

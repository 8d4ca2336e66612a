"""Word translation probabilities from parallel text: IBM Model 1.

Source: Brown et al., "The Mathematics of Statistical Machine Translation: Parameter Estimation", Computational
Linguistics 19(2), 1993, section 4.1. Every English word e of a pair is taken to come from one of the pair's foreign
words f, each as likely as t(e|f) says; there is no empty foreign word. Expectation: share every e among the f of its
pair. Maximisation: t(e|f) is the share of f's expected counts that went to e. The likelihood is concave, so that it
matters little where one starts: here at 1 over the number of e that f was seen with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Translations", "model_one"]

_LONGEST_PAIR = 3600  # combinations of two words in a pair; longer pairs say little of any one word


@dataclass(frozen=True)
class Translations:
    """Probabilities t(e|f) of the words that were seen together, sorted by f and then by falling probability.

    Attributes:
        foreign: (n,) int64 numbers of foreign words.
        english: (n,) int64 numbers of English words.
        probability: (n,) float64; over all e of one f they add up to 1.
        counts: (F,) float64, how many English words each foreign word is expected to have brought forth; F is one more
            than the largest number in a pair that was read.
        likelihoods: mean log-likelihood of an English word, without constants, before each iteration; it never falls.
    """

    foreign: NDArray[np.int64]
    english: NDArray[np.int64]
    probability: NDArray[np.float64]
    counts: NDArray[np.float64]
    likelihoods: list[float]


def model_one(
    foreign: Sequence[Sequence[int]], english: Sequence[Sequence[int]], *, iterations: int = 8
) -> Translations:
    """Estimate t(e|f) from pairs of word numbers.

    Args:
        foreign: the foreign words of each pair, numbered from 0.
        english: the English words of each pair, numbered from 0.
        iterations: rounds of expectation and maximisation.

    Raises:
        ValueError: no pair has words on both sides, and few enough; or `iterations` is not positive.
    """
    if iterations < 1:
        raise ValueError(f"iterations must be 1 or more, not {iterations}")
    lefts, rights, owners = [], [], []
    tokens = 0  # English words so far: each is shared out by itself
    for f, e in zip(foreign, english, strict=True):
        if not f or not e or len(f) * len(e) > _LONGEST_PAIR:
            continue
        lefts.append(np.tile(np.asarray(f, dtype=np.int64), len(e)))
        rights.append(np.repeat(np.asarray(e, dtype=np.int64), len(f)))
        owners.append(np.repeat(np.arange(tokens, tokens + len(e)), len(f)))
        tokens += len(e)
    if not lefts:
        raise ValueError("no pair has words on both sides")
    left, right, owner = np.concatenate(lefts), np.concatenate(rights), np.concatenate(owners)
    words = int(right.max()) + 1
    keys, which = np.unique(left * words + right, return_inverse=True)
    f_of, e_of = keys // words, keys % words
    size = int(left.max()) + 1
    t: NDArray[np.float64] = 1.0 / np.bincount(f_of, minlength=size)[f_of]
    counts = np.zeros(size)
    likelihoods: list[float] = []
    for _ in range(iterations):
        p = t[which]
        totals = np.bincount(owner, p, minlength=tokens)
        likelihoods.append(float(np.log(totals).mean()))
        shares = p / totals[owner]
        expected = np.bincount(which, shares, minlength=len(keys))
        counts = np.asarray(np.bincount(f_of, expected, minlength=size), dtype=np.float64)
        t = expected / np.maximum(counts[f_of], 1e-12)
    order = np.lexsort((e_of, -t, f_of))
    return Translations(f_of[order], e_of[order], t[order], counts, likelihoods)

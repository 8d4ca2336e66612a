"""Measurements on translations that nothing was trained on: are languages told apart, and do translations meet?

Notation: s is the dot product of unit vectors, (e, l) an English sentence and its translation, n a text that translates
neither. For each language of l:

* `translation`: share of sentences whose nearest neighbour on the other side is their translation, mean of both
  directions (Artetxe and Schwenk's Tatoeba test, TACL 2019).
* `gap`: the equidistance gap, mean over n and (e, l) of |s(n, e) − s(n, l)|; 0 where langCL is at its minimum.
* `relative-gap`: the gap over the mean of |s(n, e) − s(n, e')|, e' another English sentence. An encoder whose vectors
  all lie close together has a small gap for no merit; this does not fall for it. 1: a translation is as far off as an
  unrelated sentence.
* `language-loss`: the mean of langCL − 2 ln 2, at a temperature.
* `language-id`: accuracy of a logistic regression that names a sentence's language by its vector, trained on one half
  of the sentences in all languages and tested on the other: no sentence is in both, whatever its language. Chance is
  1/L.

Text: the rows of a multi-way parallel corpus that follow those which training may read, less every row whose English
side is among those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness._util import fingerprint
from harness.errors import UsageError
from harness_lamir.data.text import lines, normalise
from harness_lamir.experiments.plan import PROBES, Probes
from harness_lamir.experiments.results import Measurement, Scored, pack

__all__ = ["Encode", "Sentences", "language_id", "measure", "pair_gaps", "read_sentences", "translation_hits"]

Floats = NDArray[np.float64]

#: Texts and their language to unit vectors (n, D).
Encode = Callable[[Sequence[str], str], NDArray[np.floating]]


@dataclass(frozen=True)
class Sentences:
    """The same sentences in several languages: `by_language[code][i]` translates `english[i]`."""

    english: tuple[str, ...]
    by_language: Mapping[str, tuple[str, ...]]


def read_sentences(probes: Probes, data: Path) -> Sentences:
    """Read the sentences that are in the files of all languages and that training cannot have read.

    Raises:
        UsageError: a file is missing or malformed, or fewer than 20 sentences are left.
    """
    before, _, behind = probes.files.partition("{language}")
    known = {normalise(row[0]) for path in data.glob(f"{before}*{behind}") for row in islice(_rows(path), probes.after)}
    tables: dict[str, dict[str, str]] = {}
    for language in probes.languages:
        path = data / probes.files.replace("{language}", language)
        if not path.is_file():
            raise UsageError(f"probes: there is no file {path}")
        rest = islice(_rows(path), probes.after, None)
        tables[language] = {english: other for english, other in rest if normalise(english) not in known}
    first = tables[probes.languages[0]]
    common = [english for english in first if all(english in table for table in tables.values())]
    if len(common) < 20:
        raise UsageError(
            f"probes: {len(common)} sentences are in all of {', '.join(probes.languages)} and not trained on",
            hint="Lower `after`, here and as the `limit` of the source, or name fewer languages.",
        )
    english = tuple(common[: probes.sentences])
    return Sentences(english, {code: tuple(table[sentence] for sentence in english) for code, table in tables.items()})


def measure(probes: Probes, sentences: Sentences, encode: Encode) -> dict[str, Measurement]:
    """Measure everything the module tells of, language by language.

    Args:
        probes: the settings.
        sentences: what `read_sentences` gave.
        encode: the model.
    """
    english = _unit(encode(sentences.english, "en"))  # (P, D)
    others = {code: _unit(encode(texts, code)) for code, texts in sentences.by_language.items()}  # each (P, D)
    everyone = {"en": english, **others}
    # Texts of the second half serve as n for pairs of the first, so that no n translates a pair.
    half = len(english) // 2
    texts = np.concatenate([vectors[half : half + probes.texts] for vectors in everyone.values()])  # (N, D)
    named = language_id(everyone)
    values: dict[str, dict[str, Floats]] = {name: {} for name in PROBES}
    for code, vectors in others.items():
        gaps, unrelated, losses = pair_gaps(texts, english[:half], vectors[:half], probes.temperature)
        values["translation"][code] = translation_hits(english, vectors)
        values["gap"][code] = gaps
        values["relative-gap"][code] = gaps / max(unrelated, 1e-12)
        values["language-loss"][code] = losses
        values["language-id"][code] = named[code]
    ids = fingerprint.of_strings(sentences.english)
    return {
        name + suffix: Measurement(metric=name, subsets={code: _scored(values[name][code], ids) for code in languages})
        for suffix, (_, languages) in probes.parts.items()
        for name in PROBES
    }


def _scored(values: Floats, ids: str) -> Scored:
    return Scored(score=float(values.mean()), items=len(values), ids=ids, values=pack(values))


def pair_gaps(texts: Floats, english: Floats, other: Floats, temperature: float) -> tuple[Floats, float, Floats]:
    """Return how unequal texts' distances to the sides of translations are.

    Args:
        texts: (N, D) unit vectors n.
        english: (P, D) unit vectors e.
        other: (P, D) unit vectors l; row i translates row i of `english`.
        temperature: τ.

    Returns:
        (P,) the mean over n of |s(n, e) − s(n, l)|; the mean over n and i of |s(n, e_i) − s(n, e_i+1)|; (P,) the mean
        over n of langCL − 2 ln 2.
    """
    near = texts @ english.T  # (N, P)
    difference = near - texts @ other.T  # (N, P)
    unrelated = float(np.abs(near - np.roll(near, -1, axis=1)).mean())
    scaled = difference / temperature
    losses = np.logaddexp(0, scaled) + np.logaddexp(0, -scaled) - 2 * np.log(2)
    return np.abs(difference).mean(axis=0), unrelated, losses.mean(axis=0)


def translation_hits(english: Floats, other: Floats) -> Floats:
    """Return (P,) 1, ½ or 0: in how many of two directions a sentence's nearest neighbour is its translation."""
    scores = english @ other.T  # (P, P)
    own = np.arange(len(scores))
    hits: Floats = ((scores.argmax(axis=1) == own).astype(np.float64) + (scores.argmax(axis=0) == own)) / 2
    return hits


def language_id(vectors: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return, by language, 1 where a sentence's language was named rightly and 0 elsewhere.

    The even sentences are tested by a classifier that was trained on the odd ones, and the other way round, so that
    every sentence is tested once.

    Args:
        vectors: by language, (P, D): row i is sentence i.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    codes = list(vectors)
    right = {code: np.zeros(len(vectors[code])) for code in codes}
    for tested in (0, 1):
        train = np.concatenate([vectors[code][1 - tested :: 2] for code in codes])
        labels = np.repeat(np.arange(len(codes)), [len(vectors[code][1 - tested :: 2]) for code in codes])
        # Scaled to a variance of one, so that the penalty treats small and large embeddings alike.
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        classifier.fit(train, labels)
        for number, code in enumerate(codes):
            right[code][tested::2] = classifier.predict(vectors[code][tested::2]) == number
    return right


def _unit(vectors: NDArray[np.floating]) -> Floats:
    """Vectors (n, D) at unit length, in float64; a zero stays one."""
    exact = vectors.astype(np.float64)
    unit: Floats = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    return unit


def _rows(path: Path) -> list[tuple[str, str]]:
    """The rows of a file of two columns."""
    rows = []
    for number, line in lines(path):
        english, tab, other = line.rstrip("\n").partition("\t")
        if not tab:
            raise UsageError(f"{path}:{number}: does not read english<TAB>other")
        rows.append((english, other))
    return rows

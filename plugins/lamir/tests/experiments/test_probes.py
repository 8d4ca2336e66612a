"""Probes against loops in float64 and the training loss."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_lamir.experiments.plan import Probes
from harness_lamir.experiments.probes import (
    language_id,
    measure,
    pair_gaps,
    read_sentences,
    translation_hits,
)
from harness_lamir.experiments.results import unpack
from harness_lamir.losses import language_loss

from harness.errors import UsageError


def _unit(*shape: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_gaps_are_the_loop() -> None:
    """The gap and its divisor are what the definitions say, pair by pair."""
    texts, english, other = _unit(5, 8), _unit(7, 8, seed=1), _unit(7, 8, seed=2)
    gaps, unrelated, _ = pair_gaps(texts, english, other, 0.05)
    for i in range(7):
        assert gaps[i] == pytest.approx(np.mean([abs(n @ english[i] - n @ other[i]) for n in texts]))
    pairs = [(n, i) for n, i in product(texts, range(7))]
    assert unrelated == pytest.approx(np.mean([abs(n @ english[i] - n @ english[(i + 1) % 7]) for n, i in pairs]))


def test_the_language_loss_is_the_one_that_is_trained() -> None:
    """Its mean, with 2 ln 2 added, is `losses.language_loss` in float64."""
    texts, english, other = _unit(5, 8), _unit(7, 8, seed=1), _unit(7, 8, seed=2)
    losses = pair_gaps(texts, english, other, 0.05)[2]
    trained = language_loss(*map(torch.from_numpy, (texts, english, other)), 0.05)
    assert losses.mean() + 2 * np.log(2) == pytest.approx(float(trained), rel=1e-12)


def test_equal_sides_have_no_gap() -> None:
    """Where a translation has its sentence's vector, gap and loss are 0 and every translation is found."""
    vectors = _unit(30, 8)
    gaps, _, losses = pair_gaps(_unit(5, 8, seed=3), vectors, vectors, 0.05)
    assert gaps == pytest.approx(np.zeros(30)) and losses == pytest.approx(np.zeros(30))
    assert translation_hits(vectors, vectors).tolist() == [1.0] * 30


def test_hits_count_both_directions() -> None:
    """A sentence that is found one way only counts half."""
    english = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    other = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    assert translation_hits(english, other).tolist() == [1.0, 0.0, 0.0]
    shifted = np.array([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    # e1 → o2, o1 → e2; e2 ↔ o2
    assert translation_hits(english, shifted).tolist() == [1.0, 0.0, 1.0]


def test_language_is_told_where_it_shows_and_only_there() -> None:
    """A language's own direction is always told; sentences alone tell nothing, though they repeat in every language."""
    sentences = _unit(80, 6)
    codes = ("en", "xa", "xb", "xc")
    marked = {code: np.hstack([sentences, 3 * np.eye(4)[[i] * 80]]) for i, code in enumerate(codes)}
    assert all(found.mean() == 1.0 for found in language_id(marked).values())
    alike = dict.fromkeys(codes, sentences)
    assert np.mean([found.mean() for found in language_id(alike).values()]) == pytest.approx(0.25)


def test_sentences_that_may_be_trained_on_are_left_out(tmp_path: Path) -> None:
    """Rows before the limit, in the file of any language, keep their English sentences out of the probes."""
    (tmp_path / "p").mkdir()
    english = [f"sentence {i}" for i in range(60)]
    for code, order in (("xa", english), ("xb", english[::-1]), ("xc", english[10:] + english[:10])):
        rows = [f"{text}\t{code} {text}" for text in order]
        (tmp_path / "p" / f"{code}.tsv").write_text("\n".join(rows), encoding="utf-8")
    probes = Probes(files="p/{language}.tsv", after=12, languages=["xa", "xc"], sentences=20)
    found = read_sentences(probes, tmp_path)
    trained = set(english[:12]) | set(english[-12:]) | set(english[10:22])
    assert len(found.english) == 20 and not trained & set(found.english)
    assert found.by_language["xc"][0] == f"xc {found.english[0]}"
    with pytest.raises(UsageError, match="not trained on"):
        read_sentences(probes.model_copy(update={"after": 25}), tmp_path)
    with pytest.raises(UsageError, match="there is no file"):
        read_sentences(probes.model_copy(update={"languages": ["xa", "xd"]}), tmp_path)


def test_measure_keeps_groups_apart(tmp_path: Path) -> None:
    """Each group holds its languages, chance and perfection come out as such, and files hold every value."""
    (tmp_path / "p").mkdir()
    for code in ("xa", "xb"):
        rows = [f"sentence {i}\t{code} {i}" for i in range(80)]
        (tmp_path / "p" / f"{code}.tsv").write_text("\n".join(rows), encoding="utf-8")
    groups = {"new": {"title": "n", "languages": ["xb"]}, "all": {"title": "a", "languages": ["xa", "xb"]}}
    probes = Probes.model_validate(
        {"files": "p/{language}.tsv", "after": 0, "languages": ["xa", "xb"], "groups": groups}
    )
    perfect = _unit(80, 16)
    found = measure(
        probes, read_sentences(probes, tmp_path), lambda texts, code: perfect[[int(t.split()[1]) for t in texts]]
    )
    assert list(found["gap-new"].subsets) == ["xb"] and list(found["gap-all"].subsets) == ["xa", "xb"]
    assert found["translation-all"].subsets["xa"].score == 1.0
    assert found["gap-new"].subsets["xb"].score == pytest.approx(0, abs=1e-12)
    named = [one.score for one in found["language-id-all"].subsets.values()]
    assert np.mean(named) <= 0.5  # all languages alike: chance is a third
    values = unpack(found["gap-new"].subsets["xb"].values)
    assert len(values) == found["gap-new"].subsets["xb"].items == 40

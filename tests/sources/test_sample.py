"""A sampled corpus: every judged passage, a seeded choice of the others, and results that never mix with full ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sources import Corpus, open_source
from harness.sources.sample import sample
from harness.tasks.selection import Selection, select

IDS = [f"p{i}" for i in range(300)]


def _corpus(ids: list[str]) -> Corpus:
    return Corpus(ids, [""] * len(ids), [f"text of {i}" for i in ids])


def _names(ids: list[str], judged: list[str], others: int, seed: int = 0) -> set[str]:
    corpus = _corpus(ids)
    return set(corpus.ids_at(sample(corpus, judged, others, seed)))


def test_judged_passages_are_always_in() -> None:
    """The judged ones stand beside exactly as many others as were asked for."""
    kept = _names(IDS, ["p3", "p299"], 10)
    assert {"p3", "p299"} <= kept
    assert len(kept) == 12


def test_order_of_the_corpus_does_not_matter() -> None:
    """The choice hangs on ids and seed alone."""
    assert _names(IDS, ["p3"], 50) == _names(IDS[::-1], ["p3"], 50)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    """Growing a sample adds passages and takes none away."""
    assert _names(IDS, ["p3"], 20) < _names(IDS, ["p3"], 60)


def test_seeds_choose_differently() -> None:
    """Another seed is another sample, about as different as chance makes it."""
    shared = _names(IDS, [], 150, 0) & _names(IDS, [], 150, 1)
    assert 50 < len(shared) < 100


def test_the_choice_is_pinned() -> None:
    """The sample of a published result can be drawn again by any version: these names never change."""
    assert sorted(_names([f"p{i}" for i in range(20)], [], 4)) == ["p11", "p12", "p15", "p2"]


@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 3))
def test_sizes(passages: int, others: int, seed: int) -> None:
    """Never more than there are, never one twice, in corpus order."""
    ids = IDS[:passages]
    judged = ids[::7]
    kept = sample(_corpus(ids), judged, others, seed) if ids else np.empty(0, np.int64)
    assert len(kept) == (min(passages, len(judged) + others) if ids else 0)
    assert (np.diff(kept) > 0).all()


def test_a_sampled_source_is_a_variant_of_its_own(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """Texts, queries and judgements are those of the full source; corpus, fingerprint and variant are not."""
    write_subset(
        tmp_path / "own" / "sw",
        {name: f"text of {name}" for name in IDS},
        {"q1": "one?"},
        {"q1": {"p3": 1, "p5": 0}},
        titles={"p3": "Title"},
    )
    full = open_source(str(tmp_path / "own"), cache=tmp_path / "cache")
    small = open_source(str(tmp_path / "own"), sample=10, sample_seed=4, cache=tmp_path / "cache")
    (item,) = select(small.tasks(), Selection())
    whole, part = full.load(item), small.load(item)
    assert (small.name, small.variant) == ("folder", "sample-10-seed-4")
    assert (part.queries, part.qrels) == (whole.queries, whole.qrels)
    assert len(part.corpus) == 12
    positions = part.corpus.find(["p3", "p5"])
    assert part.corpus.render("{title} {text}", np.array([positions["p3"]])) == ["Title text of p3"]
    assert part.fingerprint != whole.fingerprint
    assert small.load(item).corpus.fingerprint == part.corpus.fingerprint


def test_results_of_samples_are_kept_apart(cli: Callable[..., Any]) -> None:
    """A sample, another seed and the full corpus are three files and three tables; a rerun computes nothing."""
    for more in ((), ("--sample", "5"), ("--sample", "5", "--sample-seed", "1")):
        done = cli("run", "-e", "hashing", "-t", "mr-tydi/sw", "--output", "results/out", *more)
        assert done.code == 0, done.err
    folders = sorted(path.parent.parent.name for path in Path("results/out").rglob("*.json"))
    assert folders == ["mr-tydi", "mr-tydi--sample-5", "mr-tydi--sample-5-seed-1"]
    again = cli("run", "-e", "hashing", "-t", "mr-tydi/sw", "--output", "results/out", "--sample", "5")
    assert "nothing to compute" in again.out
    boards = cli("leaderboard", "--results", "results", "--output", "boards")
    assert boards.code == 0, boards.err
    page = Path("boards/out.md").read_text("utf-8")
    headings = [line for line in page.splitlines() if line.startswith("## Mr.TyDi")]
    assert headings == [
        "## Mr.TyDi v1.1",
        "## Mr.TyDi v1.1 (judged passages and a sample of 5)",
        "## Mr.TyDi v1.1 (judged passages and a sample of 5, seed 1)",
    ]


@pytest.mark.parametrize("arguments", [("--sample", "-1"), ("--sample", "x"), ("--sample", "5", "--sample-seed", "-2")])
def test_nonsense_is_refused(cli: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    """Neither a number below zero nor a word is a sample."""
    assert cli("run", "-e", "hashing", *arguments).code == 4


def test_api_refuses_negative_samples() -> None:
    """The function does as the command line does."""
    with pytest.raises(UsageError, match="negative"):
        open_source("pocket", sample=-1)

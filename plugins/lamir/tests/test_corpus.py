"""Finding, reading, keeping apart and mixing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from harness_lamir.corpus import Group, Mixture, load_corpora
from harness_lamir.recipe import Recipe

from harness.errors import UsageError

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def recipe(make_recipe: Make) -> Callable[..., Recipe]:
    """Return a function that makes the tiny recipe, checked, with changes."""
    return lambda **changes: Recipe.model_validate(make_recipe(**changes))


def test_everything_is_read_and_recorded(tiny_data: Path, recipe: Callable[..., Recipe]) -> None:
    """Streams hold their rows; records hold relative paths, counts and digests."""
    corpora = load_corpora(recipe(), tiny_data)
    assert corpora.ir is not None and corpora.ir.rows == 200
    assert corpora.parallel is not None and corpora.parallel.rows == 1200
    assert [(f.stream, f.path, f.rows) for f in corpora.files] == [
        ("ir", "english.tsv", 200),
        ("parallel", "parallel/xa.tsv", 600),
        ("parallel", "parallel/xb.tsv", 600),
        ("nonparallel", "parallel/xa.tsv", 600),
        ("nonparallel", "parallel/xb.tsv", 600),
    ]
    assert all(len(f.sha256) == 64 for f in corpora.files)


def test_files_below_a_forbidden_folder_are_refused(tiny_data: Path, recipe: Callable[..., Recipe]) -> None:
    """Even when the recipe would drop equal texts."""
    bad = recipe(forbidden=["parallel"], drop_forbidden_texts=True)
    (tiny_data / "parallel" / "corpus.jsonl").write_text('{"text": "x"}')
    with pytest.raises(UsageError, match=r"xa\.tsv is evaluation data"):
        load_corpora(bad, tiny_data)


def test_evaluation_texts_are_refused_or_dropped(tiny_data: Path, recipe: Callable[..., Recipe]) -> None:
    """An equal text stops training, with its line; or is left out and counted."""
    path = tiny_data / "parallel" / "xa.tsv"
    path.write_text(path.read_text() + "\nA TEXT of  the evaluation\tx\n")
    with pytest.raises(UsageError, match=r"xa\.tsv:601: .*retrieval/corpus/corpus\.jsonl"):
        load_corpora(recipe(), tiny_data)
    corpora = load_corpora(recipe(drop_forbidden_texts=True), tiny_data)
    assert [f.dropped for f in corpora.files] == [0, 1, 0, 0, 0]
    assert corpora.parallel is not None and corpora.parallel.rows == 1200


def test_globs_must_match_and_be_relative(tiny_data: Path, recipe: Callable[..., Recipe]) -> None:
    """A pattern without a file, an absolute one and a missing data folder are named."""
    source = {"name": "s", "licence": "CC0", "files": ["nothing/*.tsv"]}
    streams = {"ir": {"batch_size": 2, "sources": [source]}}
    off = {"semantic_weight": 0, "language_weight": 0}
    with pytest.raises(UsageError, match=r"no file matches 'nothing/\*\.tsv'"):
        load_corpora(recipe(streams=streams, loss=off, heldout_pairs=0), tiny_data)
    source["files"] = ["/x.tsv"]
    with pytest.raises(UsageError, match="absolute"):
        load_corpora(recipe(streams=streams, loss=off, heldout_pairs=0), tiny_data)
    with pytest.raises(UsageError, match="no such folder"):
        load_corpora(recipe(), tiny_data / "none")


def test_languages_select_files(tiny_data: Path, make_recipe: Make) -> None:
    """Only files named after a language of the stream are read; none left is an error."""
    content = make_recipe()
    content["streams"]["parallel"]["languages"] = ["xb"]
    corpora = load_corpora(Recipe.model_validate(content), tiny_data)
    assert corpora.parallel is not None
    assert [group.language for group in corpora.parallel.groups] == ["xb"]
    content["streams"]["parallel"]["languages"] = ["yy"]
    with pytest.raises(UsageError, match="no file is in a language of yy"):
        load_corpora(Recipe.model_validate(content), tiny_data)


def test_missing_hard_negatives_are_named(tiny_data: Path, make_recipe: Make) -> None:
    """A stream that draws hard negatives needs them on every line."""
    content = make_recipe()
    content["streams"]["ir"]["hard_negatives"] = 1
    with pytest.raises(UsageError, match=r"english\.tsv:1: 0 hard negatives"):
        load_corpora(Recipe.model_validate(content), tiny_data)


def test_draws_follow_the_weights() -> None:
    """A group of three times the weight is drawn about three times as often."""
    mixture = Mixture([Group("a", "x", ["a"], 3.0), Group("b", "y", ["b"] * 50, 1.0)])
    counts = Counter(mixture.draw(Random(0), 4000))
    assert counts["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert mixture.draw(Random(1), 9) == mixture.draw(Random(1), 9)


@pytest.mark.parametrize(("alpha", "share"), [(1.0, 0.75), (0.5, 0.634), (0.0, 0.5)])
def test_alpha_flattens_the_languages(tiny_data: Path, make_recipe: Make, alpha: float, share: float) -> None:
    """Languages of 600 and 200 rows: their odds are 3 ** alpha."""
    path = tiny_data / "parallel" / "xb.tsv"
    path.write_text("\n".join(path.read_text().splitlines()[:200]))
    content = make_recipe()
    content["streams"]["parallel"]["alpha"] = alpha
    corpora = load_corpora(Recipe.model_validate(content), tiny_data)
    assert corpora.parallel is not None
    weights = {group.language: group.weight for group in corpora.parallel.groups}
    assert weights["xa"] / sum(weights.values()) == pytest.approx(share, abs=1e-3)


def test_what_is_held_out_is_gone() -> None:
    """Held-out rows leave the mixture, half of a group stays, and asking for more is refused."""
    mixture = Mixture([Group("s", "x", list(range(20)), 1.0), Group("s", "y", [20, 21], 1.0)])
    taken = mixture.hold_out(Random(0), 8)
    left = [row for group in mixture.groups for row in group.rows]
    assert len(set(taken)) == 8
    assert sorted(taken + left) == list(range(22))
    with pytest.raises(UsageError, match="heldout_pairs"):
        Mixture([Group("s", "x", [1, 2, 3], 1.0)]).hold_out(Random(0), 2)

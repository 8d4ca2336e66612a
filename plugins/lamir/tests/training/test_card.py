"""The model card, whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from harness_lamir.data.loading import FileRecord
from harness_lamir.recipe import Recipe
from harness_lamir.training.card import CardFacts, model_card, resolved_recipe
from harness_lamir.training.heldout import HeldOut
from harness_lamir.training.state import Progress, Scored

Make = Callable[..., dict[str, Any]]


def record(stream: str, source: str, path: str, licence: str, rows: int, dropped: int, digest: str) -> FileRecord:
    """Return the record of a file with three duplicates."""
    return FileRecord(
        stream=stream,
        source=source,
        path=path,
        licence=licence,
        rows=rows,
        exact=dropped,
        near=7,
        duplicates=3,
        sha256=digest * 64,
    )


def facts(make: Make, **changes: Any) -> CardFacts:
    """Return what a card may tell."""
    evaluation = {"every": 50, "source": "retrieval/xquad", "limit": 20}
    recipe = Recipe.model_validate(make(summary="A small one.", evaluation=evaluation))
    scores = [Scored(50, 0.5, {"xquad/sw": 0.5}), Scored(100, 0.25, {"xquad/sw": 0.25})]
    given: dict[str, Any] = {
        "recipe": recipe,
        "files": [
            record("english", "english", "english.tsv", "CC0 1.0", 200, 2, "a"),
            record("pairs", "cipher", "parallel/xa.tsv", "CC BY 4.0", 600, 0, "b"),
            record("pairs", "cipher", "parallel/xb.tsv", "CC BY 4.0", 500, 1, "c"),
        ],
        "languages": ["en", "no", "xa"],
        "progress": Progress(150, {"ir": 1.0, "semantic": 2.0, "language": 1.4}, 3.14, 0.25, scores),
        "heldout": HeldOut(100, 0.25, 0.75),
        "command": "harness train x",
        "dim": 96,
        "parameters": 45_000,
        "sentence_transformers": True,
        "own_module": True,
    }
    return CardFacts(**(given | changes))


def test_the_card_says_what_how_and_from_what(make_recipe: Make) -> None:
    """Header, use, command, losses, measurements, data with licences and digests, and the recipe."""
    told = facts(make_recipe)
    card = model_card(told)
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header) == {
        "license": "cc0-1.0",
        "language": ["en", "no", "xa"],  # Norwegian, not false
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["lamir", "feature-extraction", "retrieval", "multilingual"],
    }
    for part in (
        "# tiny\n\nA small one.\n",
        "vectors of 96 dimensions",
        "45,000 parameters (backbone `features`)",
        "harness run --encoder lamir -o checkpoint=FOLDER",
        'SentenceTransformer("FOLDER", trust_remote_code=True)',
        "\n    harness train x\n",
        "Seed 3, 150 steps, CPU threads: 1, precision fp32; with harness-lamir",
        "| language | 0.1 | defaults |",
        "ir 1.0000, semantic 2.0000, language 1.4000; weighted sum 3.1400",
        "the first 20 questions of each, every 50 steps: 2 evaluations",
        "after step 50",
        "| xquad/sw | 0.5000 |",
        "On 100 translations",
        "0.250 before and 0.750 after",
        "| pairs | cipher | CC BY 4.0 | 2 | 1,100 |",
        "3 rows were left out for a text that equals",
        "21 rows for a text that has 80% of its word 5-grams in one",
        f"| pairs | parallel/xa.tsv | 600 | 7 | 3 | `{'b' * 64}` |",
    ):
        assert part in body, part
    written = yaml.safe_load(body.split("```yaml\n")[1].split("```")[0])
    assert Recipe.model_validate(written) == told.recipe


def test_nothing_measured_is_nothing_claimed(make_recipe: Make) -> None:
    """Without evaluations, held-out pairs and forbidden folders the card is silent about them."""
    recipe = Recipe.model_validate(make_recipe(forbidden=[]))
    card = model_card(
        facts(
            make_recipe,
            recipe=recipe,
            progress=Progress(150, {"ir": 1.0}, 1.0),
            heldout=None,
            languages=[],
            sentence_transformers=False,
        )
    )
    for part in ("Measured", "Kept apart", "SentenceTransformer", "\nlanguage:", "stopped early"):
        assert part not in card, part
    assert "library_name: lamir-harness" in card


@pytest.mark.parametrize(("pooling", "expected"), [("mean", "(states * mask).sum(1)"), ("cls", "states[:, 0]")])
def test_a_transformer_is_used_with_its_own_pooling(make_recipe: Make, pooling: str, expected: str) -> None:
    """And without the flag that a module of ours needs."""
    backbone = {"kind": "transformer", "model": "/home/somebody/models/xlmr/", "pooling": pooling, "max_tokens": 64}
    recipe = Recipe.model_validate(make_recipe(backbone=backbone))
    card = model_card(facts(make_recipe, recipe=recipe, own_module=False))
    assert expected in card and "max_length=64" in card and "trust_remote_code" not in card
    assert "/home/somebody" not in card
    assert resolved_recipe(recipe)["backbone"]["model"] == "xlmr"


def test_no_folder_of_a_machine_is_told(make_recipe: Make) -> None:
    """Neither where evaluation data lies, nor a teacher, nor what was forbidden."""
    content = make_recipe(forbidden=["/home/somebody/xquad"], evaluation={"every": 50, "source": "/home/somebody/arcd"})
    content["objectives"][1] = {"use": "distil", "stream": "pairs", "teacher": "/home/somebody/teacher"}
    card = model_card(facts(make_recipe, recipe=Recipe.model_validate(content)))
    assert "/home/somebody" not in card
    assert "Kept apart from: `xquad`" in card and "Zero-shot on `arcd`" in card and "teacher teacher" in card


def test_what_is_no_path_is_told_as_it_is(make_recipe: Make) -> None:
    """A prompt decides vectors: it is not cut where it begins like a path."""
    backbone = {"kind": "transformer", "model": "/srv/xlmr", "prompts": {"query": "/q/ ", "passage": "~ "}}
    content = resolved_recipe(Recipe.model_validate(make_recipe(backbone=backbone, summary="~ half / half")))
    assert content["backbone"]["prompts"] == backbone["prompts"] and content["summary"] == "~ half / half"
    assert content["backbone"]["model"] == "xlmr"


def test_a_run_that_stopped_early_or_ran_on_several_says_so(make_recipe: Make) -> None:
    """Steps that were made, of those that were planned."""
    card = model_card(facts(make_recipe, progress=Progress(80, {"ir": 1.0}, 1.0), processes=4))
    assert "80 steps of 150 (stopped early)" in card and "4 processes" in card

"""The model card, whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from harness_lamir.card import model_card
from harness_lamir.corpus import FileRecord
from harness_lamir.recipe import Recipe
from harness_lamir.train import HeldOut, Step


def test_the_card_says_what_how_and_from_what(make_recipe: Callable[..., dict[str, Any]]) -> None:
    """Header, command, losses, measurement, data with licences and digests, and the recipe."""
    recipe = Recipe.model_validate(make_recipe(summary="A small one."))
    files = [
        FileRecord("ir", "english", "english.tsv", "CC0 1.0", 200, 2, "a" * 64),
        FileRecord("parallel", "cipher", "parallel/xa.tsv", "CC BY 4.0", 600, 0, "b" * 64),
        FileRecord("parallel", "cipher", "parallel/xb.tsv", "CC BY 4.0", 500, 1, "c" * 64),
    ]
    last = Step(150, 1.0, 2.0, 1.4, 3.14)
    card = model_card(recipe, files, 700, last, HeldOut(100, 0.25, 0.75), "harness train x")
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header)["license"] == "cc0-1.0"
    for part in (
        "# tiny\n\nA small one.\n",
        "700 of them, each with weights. 32 dimensions are learned embeddings; 64 are fixed hashed places",
        "\n    harness train x\n",
        "IR 1.0000, semantic 2.0000, language 1.4000",
        "100 translations",
        "was 0.250 before and 0.750 after",
        "| parallel | cipher | CC BY 4.0 | 2 | 1,100 |",
        "3 rows were left out",
        f"| parallel/xa.tsv | 600 | 0 | `{'b' * 64}` |",
    ):
        assert part in body, part
    written = yaml.safe_load(body.split("```yaml\n")[1].split("```")[0])
    assert Recipe.model_validate(written) == recipe


def test_nothing_measured_is_nothing_claimed(make_recipe: Callable[..., dict[str, Any]]) -> None:
    """Without held-out pairs and forbidden folders the card is silent about them."""
    recipe = Recipe.model_validate(make_recipe(forbidden=[]))
    files = [FileRecord("ir", "english", "english.tsv", "CC0 1.0", 200, 0, "a" * 64)]
    card = model_card(recipe, files, 700, Step(1, 1, 1, 1, 1), None, "c")
    assert "Measured" not in card and "Kept apart" not in card

"""Accuracy on held-out translations, against counting by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_lamir.backbones.base import Backbone
from harness_lamir.data.loading import load_streams
from harness_lamir.data.rows import Translation, texts_of
from harness_lamir.recipe import Recipe
from harness_lamir.training.heldout import hold_out, translation_accuracy
from torch import Tensor, nn

from harness.errors import UsageError


class Fixed(Backbone):
    """A backbone whose vectors are given."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        super().__init__()
        self.vectors = vectors
        self.dim = 2
        self.weight = nn.Parameter(torch.ones(1))

    def tokenize(self, texts: Sequence[str], **_: Any) -> dict[str, Tensor]:
        """Look the vectors up."""
        return {"x": torch.tensor([self.vectors[text] for text in texts], dtype=torch.float32)}

    def forward(self, batch: Any) -> Tensor:
        """Bring them to unit length; in training mode they would be of no use."""
        scale = float("nan") if self.training else 1.0
        return nn.functional.normalize(batch["x"], dim=-1) * scale

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count characters."""
        return [len(text) for text in texts]

    def save(self, folder: Any) -> None:
        """Nothing to save."""


def test_both_directions_count_alike() -> None:
    """Of three pairs, two are found from English and one from the other side."""
    backbone = Fixed({"a": [1, 0], "b": [0, 1], "c": [1, 1], "x": [1, 0], "y": [0, 1], "z": [0.1, 1]}).train()
    pairs = [Translation("a", "x", "xa"), Translation("b", "y", "xa"), Translation("c", "z", "xa")]
    # English: a→x, b→y, c→z (0.774 against 0.707): all three. Back: x→a, y→b, z→b: two of three.
    assert translation_accuracy(backbone, pairs) == pytest.approx((1 + 2 / 3) / 2)
    assert backbone.training


def test_a_sentence_that_occurs_twice_is_right_for_both() -> None:
    """Whichever of its translations is nearest."""
    backbone = Fixed({"A": [1, 0], "a ": [1, 0], "x": [1, 0], "y": [1, 0.1]})
    pairs = [Translation("A", "x", "xa"), Translation("a ", "y", "xb")]
    assert translation_accuracy(backbone, pairs) == 1.0
    assert translation_accuracy(backbone, []) == 0.0


def with_others(make: Callable[..., dict[str, Any]], **changes: object) -> Recipe:
    """Return the tiny recipe with the parallel files read twice more: as pairs again, and joined."""
    content = make(**changes)
    pairs = content["streams"]["pairs"]
    content["streams"] |= {
        "again": {**pairs, "batch_size": 8},
        "joined": {"kind": "multiway", "batch_size": 8, "sources": [{**pairs["sources"][0], "format": "joined"}]},
    }
    content["objectives"] += [{"use": "semantic", "stream": "again"}, {"use": "one_to_k", "stream": "joined"}]
    return Recipe.model_validate(content)


@pytest.mark.parametrize("deduplicate", [True, False])
def test_no_stream_keeps_a_translation_that_is_held_out(
    make_recipe: Callable[..., dict[str, Any]], tiny_data: Path, deduplicate: bool
) -> None:
    """Another stream of the same files would train on it; the other rows stay, and so does one side by itself."""
    path = tiny_data / "parallel" / "xa.tsv"
    path.write_text("\n".join([path.read_text("utf-8")] * 2), encoding="utf-8")  # every row of xa twice
    recipe = with_others(make_recipe, deduplicate=deduplicate)
    before = load_streams(recipe, tiny_data).by_name
    streams = load_streams(recipe, tiny_data)
    held = hold_out(streams, recipe)
    assert len(held) == 100
    pairs = {(row.english, row.other) for row in held}
    for name in ("pairs", "again", "joined"):
        texts = [set(texts_of(row)) for row in streams.by_name[name]]
        assert not any(english in row and other in row for row in texts for english, other in pairs), name
        lost = sum(any({e, o} <= set(texts_of(row)) for e, o in pairs) for row in before[name])
        assert streams.by_name[name].rows == before[name].rows - lost
    assert streams.by_name["texts"].rows == before["texts"].rows
    assert {row.other for row in held} & {row.text for row in streams.by_name["texts"]}


def test_a_stream_of_nothing_but_held_out_rows_is_refused(
    make_recipe: Callable[..., dict[str, Any]], tiny_data: Path
) -> None:
    """It would have nothing to draw."""
    lines = (tiny_data / "parallel" / "xa.tsv").read_text("utf-8").splitlines()
    (tiny_data / "parallel" / "xb.tsv").unlink()
    (tiny_data / "few").mkdir()
    recipe = with_others(make_recipe, heldout_pairs=300)
    held = hold_out(load_streams(recipe, tiny_data), recipe)
    few = [line for line in lines if line.split("\t")[0] in {row.english for row in held}]
    (tiny_data / "few" / "xa.tsv").write_text("\n".join(few), encoding="utf-8")
    content = recipe.model_dump(mode="json")
    content["streams"]["again"]["sources"][0]["files"] = ["few/*.tsv"]
    with pytest.raises(UsageError, match="stream 'again' has no row but those that are held out"):
        hold_out(load_streams(Recipe.model_validate(content), tiny_data), recipe)

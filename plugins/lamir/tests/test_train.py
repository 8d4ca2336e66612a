"""Training end to end: it learns, repeats itself byte for byte, and refuses before it starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from harness_lamir.corpus import load_corpora
from harness_lamir.encoder import load
from harness_lamir.plugin import LamirOptions
from harness_lamir.recipe import Recipe
from harness_lamir.train import Outcome, Step, build_model, encode, train
from safetensors.torch import load_file

from harness.errors import HarnessError, UsageError

Make = Callable[..., dict[str, Any]]


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def run(make: Make, data: Path, output: Path, **changes: object) -> Outcome:
    """Train the tiny recipe."""
    return train(Recipe.model_validate(make(**changes)), data, output, command="the command")


def test_training_beats_its_own_initialisation(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """On held-out translations between languages that share no word, and the loss falls."""
    steps: list[Step] = []
    recipe = Recipe.model_validate(make_recipe())
    outcome = train(recipe, tiny_data, tmp_path / "out", command="c", on_step=steps.append)
    assert outcome.heldout is not None and outcome.heldout.pairs == 100
    assert outcome.heldout.before < 0.3
    assert outcome.heldout.after > 0.8
    assert steps[-1].total < 0.6 * steps[0].total
    assert [step.number for step in steps] == list(range(1, 151))
    assert steps[-1].language >= 1.386

    encoder = load(LamirOptions(checkpoint=str(outcome.folder), device="cpu"))
    vectors = encoder.encode(["water stone", "bfyjw xytsj", "velvet saddle"], role="query")
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_the_same_seed_gives_the_same_bytes(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Twice the same folder, and another one for another seed; the caller's state is untouched."""
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run(make_recipe, tiny_data, tmp_path / name, steps=5, seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    changed = digests(tmp_path / "a").items() ^ digests(tmp_path / "c").items()
    assert "model.safetensors" in dict(changed)
    assert torch.equal(state, torch.random.get_rng_state())
    assert threads == torch.get_num_threads()


def test_the_folder_is_complete_and_names_no_machine(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Weights as safetensors only, a card with command, seed, data, and no absolute path."""
    folder = run(make_recipe, tiny_data, tmp_path / "out", steps=2).folder
    assert set(digests(folder)) == {
        "README.md",
        "config.json",
        "features.json",
        "model.safetensors",
        "recipe.json",
        "tokenizer.json",
    }
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in ("    the command", "Seed 3, 2 steps", "english.tsv", "CC0 1.0", "`retrieval`"):
        assert part in card
    for path in folder.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.parametrize("pool", ["other-side", "2n"])
@pytest.mark.parametrize("off", [{}, {"ir_weight": 0}, {"semantic_weight": 0}, {"language_weight": 0}])
def test_every_combination_of_losses_trains(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, pool: str, off: dict[str, float]
) -> None:
    """A loss that is off reports 0, the others are finite."""
    loss = {"semantic_pool": pool} | off
    last = run(make_recipe, tiny_data, tmp_path / "out", steps=2, loss=loss).last
    for name in ("ir", "semantic", "language"):
        assert (getattr(last, name) == 0) == (f"{name}_weight" in off)


def test_half_precision_is_written_and_read(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """The folder holds float16, and loads as an encoder of both halves' dimensions."""
    folder = run(make_recipe, tiny_data, tmp_path / "out", steps=2).folder
    assert {tensor.dtype for tensor in load_file(folder / "model.safetensors").values()} == {torch.float16}
    encoder = load(LamirOptions(checkpoint=str(folder), device="cpu"))
    assert encoder.encode(["water"], role="query").shape == (1, 96)


def test_encoding_by_words_equals_forward(make_recipe: Make, tiny_data: Path) -> None:
    """The trainer's shortcut and the model's own forward agree on every text."""
    recipe = Recipe.model_validate(make_recipe())
    corpora = load_corpora(recipe, tiny_data)
    extractor, model = build_model(recipe, corpora, Random(0))
    texts = ["water stone water", "", "river", "water " * 3000]
    ids = [torch.tensor(extractor(text)) for text in texts]
    expected = model(torch.nn.utils.rnn.pad_sequence(ids, batch_first=True))
    torch.testing.assert_close(encode(model, extractor, texts), expected, atol=1e-4, rtol=0)


def test_hard_negatives_are_drawn(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Training with them reaches another loss than without."""
    lines = [
        f'{{"query": "water {i}", "positive": "river {i}", "negatives": ["sea {i}", "lake {i}"]}}' for i in range(50)
    ]
    (tiny_data / "english.jsonl").write_text("\n".join(lines))
    content = make_recipe(steps=1, heldout_pairs=0)
    content["streams"]["ir"]["sources"][0]["files"] = ["english.jsonl"]
    losses = []
    for negatives in (0, 2):
        content["streams"]["ir"]["hard_negatives"] = negatives
        recipe = Recipe.model_validate(content)
        losses.append(train(recipe, tiny_data, tmp_path / str(negatives), command="c").last.ir)
    assert losses[1] > losses[0]


def test_an_output_folder_is_not_overwritten_unasked(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Refused before the data is even read; replaced as a whole when asked."""
    output = tmp_path / "out"
    output.mkdir()
    (output / "mine.txt").write_text("x")
    recipe = Recipe.model_validate(make_recipe(steps=1))
    with pytest.raises(UsageError, match="not empty"):
        train(recipe, tmp_path / "no-data", output, command="c")
    assert (output / "mine.txt").exists()
    train(recipe, tiny_data, output, command="c", overwrite=True)
    assert not (output / "mine.txt").exists()
    with pytest.raises(UsageError, match="is a file"):
        train(recipe, tiny_data, output / "README.md", command="c")


def test_a_failed_run_leaves_nothing(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """A rate that diverges ends with an error, and no folder, whole or in part, stays behind."""
    out = tmp_path / "models"
    with pytest.raises(HarnessError, match="the loss is"):
        run(make_recipe, tiny_data, out / "m", optimizer={"learning_rate": 1e38})
    assert not out.exists() or not list(out.iterdir())

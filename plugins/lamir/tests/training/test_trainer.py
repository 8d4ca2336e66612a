"""Training end to end: it learns, repeats itself, stops when it should, and refuses before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_lamir.backbones.building import load_backbone
from harness_lamir.encoder import load
from harness_lamir.plugin import LamirOptions
from harness_lamir.recipe import Recipe, load_recipe, shipped_recipes
from harness_lamir.training.reporting import Outcome, Reporter, Step
from harness_lamir.training.state import Scored
from harness_lamir.training.trainer import train
from harness_lamir.training.unfinished import state_folder

from harness.errors import HarnessError, UsageError

Make = Callable[..., dict[str, Any]]


def run(make: Make, data: Path, output: Path, **changes: object) -> Outcome:
    """Train the tiny recipe."""
    return train(Recipe.model_validate(make(**changes)), data, output, command="the command")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder but the log, which tells times."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "log.jsonl"}


def test_training_beats_its_own_initialisation(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """On held-out translations between languages that share no word, and the loss falls."""
    steps: list[Step] = []
    recipe = Recipe.model_validate(make_recipe())
    outcome = train(recipe, tiny_data, tmp_path / "out", command="c", reporter=Reporter(step=steps.append))
    assert outcome.heldout is not None and outcome.heldout.pairs == 100
    assert outcome.heldout.before < 0.3
    assert outcome.heldout.after > 0.8
    assert steps[-1].total < 0.6 * steps[0].total
    assert [step.number for step in steps] == list(range(1, 151))
    assert steps[-1].losses["language"] >= 1.386
    assert steps[0].learning_rate == pytest.approx(0.004) and steps[-1].learning_rate < 2e-4

    encoder = load(LamirOptions(checkpoint=str(outcome.folder), device="cpu"))
    vectors = encoder.encode(["water stone", "bfyjw xytsj", "velvet saddle"], role="query")
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_the_same_seed_gives_the_same_bytes(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Twice the same folder, and another one for another seed; the caller's state is untouched."""
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run(make_recipe, tiny_data, tmp_path / name, steps=5, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a")["model.safetensors"] != contents(tmp_path / "c")["model.safetensors"]
    assert torch.equal(state, torch.random.get_rng_state())
    assert threads == torch.get_num_threads() and not torch.are_deterministic_algorithms_enabled()


def test_the_folder_is_complete_and_names_no_machine(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Weights as safetensors only, a card, the recipe with its defaults, the log, and no absolute path."""
    folder = run(make_recipe, tiny_data, tmp_path / "out", steps=2).folder
    names = {path.name for path in folder.iterdir()}
    assert {"README.md", "config.json", "log.jsonl", "model.safetensors", "recipe.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".tmp"))]
    written = json.loads((folder / "recipe.json").read_text("utf-8"))
    assert Recipe.model_validate(written) == Recipe.model_validate(make_recipe(steps=2))
    for path in folder.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o700 == 0o600  # of others, the user's umask decides
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("off", ["", "ir", "semantic", "language"])
def test_a_loss_that_is_off_needs_no_text(make_recipe: Make, tiny_data: Path, tmp_path: Path, off: str) -> None:
    """It is not reported, and the files of a stream that nobody draws from are not opened."""
    content = make_recipe(steps=2, heldout_pairs=0)
    for entry in content["objectives"]:
        entry["weight"] = 0 if entry["use"] == off else 1
    if off == "ir":
        (tiny_data / "english.tsv").unlink()
    outcome = train(Recipe.model_validate(content), tiny_data, tmp_path / "out", command="c")
    assert set(outcome.progress.losses) == {"ir", "semantic", "language"} - {off}
    assert outcome.progress.total == pytest.approx(sum(outcome.progress.losses.values()))


def test_precision_and_chunks_change_rounding_alone(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """A chunked run and one in bf16 end where the plain one does, nearly."""
    totals = []
    changes: list[dict[str, object]] = [{}, {"chunk": 7}, {"precision": "bf16"}]
    for number, runtime in enumerate(changes):
        given = {"threads": 1, "device": "cpu", **runtime}
        totals.append(run(make_recipe, tiny_data, tmp_path / str(number), steps=6, runtime=given).progress.total)
    assert totals[1] == pytest.approx(totals[0], rel=1e-4)
    assert totals[2] == pytest.approx(totals[0], rel=0.05)


def test_gradient_checkpointing_is_refused_where_there_is_nothing_to_recompute(
    make_recipe: Make, tiny_data: Path, tmp_path: Path
) -> None:
    """A bag of features has no layers; a transformer computes the same with it."""
    runtime = {"threads": 1, "device": "cpu", "gradient_checkpointing": True}
    with pytest.raises(UsageError, match="gradient_checkpointing"):
        run(make_recipe, tiny_data, tmp_path / "a", runtime=runtime)
    scratch = {"kind": "scratch", "layers": 2, "hidden": 16, "heads": 2, "tokens": 120, "dropout": 0.1}
    totals = []
    for number, used in enumerate((runtime, runtime | {"gradient_checkpointing": False})):
        done = run(make_recipe, tiny_data, tmp_path / str(number), steps=3, backbone=scratch, runtime=used)
        totals.append(done.progress.total)
    assert totals[0] == pytest.approx(totals[1], rel=1e-5)


class FakeEvaluator:
    """Scores that were decided beforehand."""

    means: Sequence[float] = ()
    checked = 0

    def __init__(self, *_: object) -> None:
        self._left = iter(type(self).means)

    def __enter__(self) -> FakeEvaluator:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""

    def check(self) -> dict[str, str]:
        """Count."""
        type(self).checked += 1
        return {"task/xx": "digest"}

    def __call__(self, backbone: torch.nn.Module, step: int) -> Scored:
        """Return the next score."""
        mean = next(self._left)
        return Scored(step, mean, {"task/xx": mean})


def test_it_stops_early_and_keeps_the_best(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two evaluations without a better mean end the run; what is written is the weights of the best."""
    monkeypatch.setattr("harness_lamir.training.trainer.Evaluator", FakeEvaluator)
    monkeypatch.setattr(FakeEvaluator, "means", [0.1, 0.4, 0.3, 0.4, 0.9])
    settings = {"every": 2, "patience": 2}
    scores: list[Scored] = []
    recipe = Recipe.model_validate(make_recipe(steps=20, evaluation=settings))
    outcome = train(recipe, tiny_data, tmp_path / "early", command="c", reporter=Reporter(scored=scores.append))
    assert outcome.progress.step == 8 and [scored.step for scored in scores] == [2, 4, 6, 8]
    assert outcome.progress.best == Scored(4, 0.4, {"task/xx": 0.4})
    lines = [json.loads(line) for line in (outcome.folder / "log.jsonl").read_text("utf-8").splitlines()]
    assert [line["mean"] for line in lines if "evaluation" in line] == [0.1, 0.4, 0.3, 0.4]
    card = (outcome.folder / "README.md").read_text("utf-8")
    assert "8 steps of 20 (stopped early)" in card and "| task/xx | 0.4000 |" in card

    monkeypatch.setattr(FakeEvaluator, "means", [0.1, 0.4, 0.3, 0.4])
    last = Recipe.model_validate(make_recipe(steps=20, evaluation=settings | {"keep_best": False}))
    train(last, tiny_data, tmp_path / "last", command="c")
    texts = ["water stone", "river"]
    weights = [load_backbone(tmp_path / name).encode(texts, role="query") for name in ("early", "last")]
    assert not torch.equal(*weights)

    # The rate depends on how many steps there are, so the best weights come from a run of as many, looked at midway.
    monkeypatch.setattr(FakeEvaluator, "means", [0.1, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    whole = Recipe.model_validate(make_recipe(steps=20, evaluation={"every": 2}))
    train(whole, tiny_data, tmp_path / "whole", command="c")
    assert torch.equal(weights[0], load_backbone(tmp_path / "whole").encode(texts, role="query"))


def test_there_is_an_evaluation_after_the_last_step(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not `every` divides the steps."""
    monkeypatch.setattr("harness_lamir.training.trainer.Evaluator", FakeEvaluator)
    monkeypatch.setattr(FakeEvaluator, "means", [0.1, 0.2, 0.3])
    done = run(make_recipe, tiny_data, tmp_path / "out", steps=5, evaluation={"every": 2})
    assert [scored.step for scored in done.progress.scores] == [2, 4, 5]


def test_a_loss_that_is_not_finite_stops_the_run(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """With an error that says when and what to do, and no folder, whole or in part, stays behind."""
    out = tmp_path / "models"
    with pytest.raises(HarnessError, match=r"is (nan|inf) at step \d") as caught:
        run(make_recipe, tiny_data, out / "m", optimizer={"learning_rate": 1e38})
    assert "learning_rate" in str(caught.value) and not isinstance(caught.value, UsageError)
    assert not out.exists() or not list(out.iterdir())


def test_an_output_folder_is_not_overwritten_unasked(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Refused before the data is even read; replaced as a whole when asked."""
    output = tmp_path / "out"
    output.mkdir()
    (output / "mine.txt").write_text("x")
    recipe = Recipe.model_validate(make_recipe(steps=1))
    with pytest.raises(UsageError, match="not empty"):
        train(recipe, tmp_path / "no-data", output, command="c")
    with pytest.raises(UsageError, match="holds no model"):
        train(recipe, tmp_path / "no-data", output, command="c", overwrite=True)
    assert (output / "mine.txt").exists()
    (output / "recipe.json").write_text("{}")
    train(recipe, tiny_data, output, command="c", overwrite=True)
    assert not (output / "mine.txt").exists()
    with pytest.raises(UsageError, match="is a file"):
        train(recipe, tiny_data, output / "README.md", command="c")


def test_an_unfinished_run_of_another_recipe_is_kept_until_dropped(
    make_recipe: Make, tiny_data: Path, tmp_path: Path
) -> None:
    """Other settings are refused with their names; --restart drops the state and trains from the start."""
    output = tmp_path / "out"
    runtime = {"threads": 1, "device": "cpu", "save_every": 2}

    def stop(step: Step) -> None:
        if step.number == 3:
            raise HarnessError("stopped")

    first = Recipe.model_validate(make_recipe(steps=6, runtime=runtime))
    with pytest.raises(HarnessError, match="stopped"):
        train(first, tiny_data, output, command="c", reporter=Reporter(step=stop))
    assert state_folder(output).is_dir()
    other = Recipe.model_validate(make_recipe(steps=6, seed=9, runtime=runtime))
    with pytest.raises(UsageError, match="seed is 3 there and 9 here"):
        train(other, tiny_data, output, command="c")
    resumed: list[int] = []
    train(first, tiny_data, output, command="c", reporter=Reporter(resumed=resumed.append))
    assert resumed == [2] and not state_folder(output).exists()

    with pytest.raises(HarnessError, match="stopped"):
        train(first, tiny_data, tmp_path / "b", command="c", reporter=Reporter(step=stop))
    train(other, tiny_data, tmp_path / "b", command="c", restart=True, reporter=Reporter(resumed=resumed.append))
    assert resumed == [2]
    train(other, tiny_data, tmp_path / "c", command="c")
    assert contents(tmp_path / "b") == contents(tmp_path / "c")


def test_a_write_that_fails_loses_no_training(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even of a run that saves no states: the same command writes what was trained, and trains nothing more."""
    said: list[str] = []

    def fail(facts: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness_lamir.training.trainer.model_card", fail)
        recipe = Recipe.model_validate(make_recipe(steps=3))
        with pytest.raises(HarnessError, match="No space left"):
            train(recipe, tiny_data, tmp_path / "out", command="c", reporter=Reporter(stage=said.append))
    assert "same command" in said[-1] and not (tmp_path / "out").exists()
    steps: list[Step] = []
    train(recipe, tiny_data, tmp_path / "out", command="c", reporter=Reporter(step=steps.append))
    assert not steps and not state_folder(tmp_path / "out").exists()
    train(recipe, tiny_data, tmp_path / "whole", command="c")
    assert contents(tmp_path / "out").keys() == contents(tmp_path / "whole").keys()
    name = "model.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_resumes_only_on_the_evaluation_that_it_began_with(
    make_recipe: Make, tiny_data: Path, tmp_path: Path
) -> None:
    """Scores of other questions could not be compared, and best weights and patience go by scores."""
    folder = tiny_data / "tasks" / "made-up" / "sw"
    (folder / "qrels").mkdir(parents=True)
    for name in ("corpus", "queries"):
        rows = [{"_id": str(i), "text": text} for i, text in enumerate(["zq river", "zq market", "zq bridge"])]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    qrels = folder / "qrels" / "test.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\n0\t0\t1\n1\t1\t1\n", encoding="utf-8")

    def stop(step: Step) -> None:
        if step.number == 3:
            raise HarnessError("stopped")

    runtime = {"threads": 1, "device": "cpu", "save_every": 2}
    recipe = Recipe.model_validate(make_recipe(steps=4, runtime=runtime, evaluation={"every": 2, "source": "tasks"}))
    with pytest.raises(HarnessError, match="stopped"):
        train(recipe, tiny_data, tmp_path / "out", command="c", reporter=Reporter(step=stop))
    assert not (state_folder(tmp_path / "out") / "evaluation").exists()
    before = qrels.read_text(encoding="utf-8")
    qrels.write_text(before + "2\t2\t1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"evaluation\.made-up/sw"):
        train(recipe, tiny_data, tmp_path / "out", command="c")
    qrels.write_text(before, encoding="utf-8")
    train(recipe, tiny_data, tmp_path / "out", command="c")


def test_the_tiny_recipe_beats_its_initialisation(real_data: Path, tmp_path: Path) -> None:
    """On real data, end to end: Swahili questions find English passages that no text of training is taken from."""
    recipe = load_recipe(shipped_recipes()["tiny"])
    scores: list[Scored] = []
    first = recipe.model_copy(
        update={"steps": 1, "optimizer": recipe.optimizer.model_copy(update={"learning_rate": 1e-12})}
    )
    train(first, real_data, tmp_path / "first", command="c", reporter=Reporter(scored=scores.append))
    outcome = train(recipe, real_data, tmp_path / "model", command="c", reporter=Reporter(scored=scores.append))
    initial, *trained = scores
    assert set(initial.subsets) == {"afriqa/sw-en"}
    assert trained[-1].mean > initial.mean + 0.05
    assert outcome.heldout is not None and outcome.heldout.after > outcome.heldout.before + 0.3

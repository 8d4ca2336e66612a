"""The state of an unfinished run: what it holds, whom it belongs to, and that resuming is exact."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from harness_lamir.recipe import Recipe
from harness_lamir.training.optimizing import make_optimizer
from harness_lamir.training.state import Progress, Scored, State, check_recipe, identity_of
from harness_lamir.training.trainer import train
from harness_lamir.training.unfinished import clear, newest, state_folder
from torch import nn

from harness.errors import HarnessError, UsageError

Make = Callable[..., dict[str, Any]]

#: Dropout, a queue, a momentum encoder, and an evaluation whose best weights are kept.
_HARD = {
    "steps": 12,
    "heldout_pairs": 20,
    "backbone": {"kind": "scratch", "layers": 1, "hidden": 16, "heads": 2, "tokens": 120, "dropout": 0.2},
    "runtime": {"threads": 1, "device": "cpu", "save_every": 4, "log_every": 1, "chunk": 40},
}


def hard_recipe(make: Make, **changes: object) -> dict[str, Any]:
    """Return a recipe with everything that a state has to hold."""
    content = make(**_HARD, **changes)
    content["objectives"] = [*content["objectives"], {"use": "cropping", "stream": "texts", "queue": 32}]
    return content


def weights(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a model but the log, which tells times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "log.jsonl"
    }


def losses(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """Return the losses of every line of a log."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [(line["step"], line["losses"]) for line in lines]


_KILLED = """
import json, os, pathlib, signal
from harness_lamir.recipe import Recipe
from harness_lamir.training.reporting import Reporter
from harness_lamir.training.trainer import train

def step(done):
    if done.number == 10:  # two steps after a state
        os.kill(os.getpid(), getattr(signal, sys.argv[6]))

recipe = Recipe.model_validate(json.loads(sys.argv[3]))
try:
    train(recipe, pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[5]), command="c", reporter=Reporter(step=step))
except KeyboardInterrupt:
    sys.exit(2)
"""


@pytest.mark.parametrize(("signal", "code", "step"), [("SIGKILL", -9, 8), ("SIGTERM", 2, 10)])
def test_a_killed_run_ends_as_if_it_had_not_been(
    run_script: Callable[..., subprocess.Popen[str]],
    make_recipe: Make,
    tiny_data: Path,
    tmp_path: Path,
    signal: str,
    code: int,
    step: int,
) -> None:
    """Bit for bit: killed outright it goes on from the last state, asked to stop from where it stopped."""
    content = hard_recipe(make_recipe)
    output = tmp_path / "killed" / "model"
    process = run_script(_KILLED, json.dumps(content), str(tiny_data), str(output), signal)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == code, said
    saved = newest(state_folder(output))
    assert saved is not None and saved.name == f"step-{step:08d}"
    assert not output.exists()

    recipe = Recipe.model_validate(content)
    train(recipe, tiny_data, output, command="c")
    train(recipe, tiny_data, tmp_path / "whole" / "model", command="c")
    assert weights(output) == weights(tmp_path / "whole" / "model")
    assert losses(output) == losses(tmp_path / "whole" / "model")
    assert [number for number, _ in losses(output)] == list(range(1, 13))
    assert [path.name for path in output.parent.iterdir()] == ["model"]


def some_state(seed: int = 0) -> State:
    """Return a state of small parts."""
    torch.manual_seed(seed)
    backbone, head = nn.Linear(3, 2), nn.BatchNorm1d(2)
    optimizer = make_optimizer([*backbone.parameters(), *head.parameters()], Recipe.model_fields["optimizer"].default)
    for parameter in backbone.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    rng = Random(seed)
    rng.gauss(0, 1)
    identity = {"recipe": {"seed": 1, "streams": {"a": {"batch_size": 4}}}, "data": {"a:x.tsv": "00"}}
    return State(identity, backbone, [head], optimizer, {"stream a": rng})


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    """Weights, buffers, moments, generators, scores and best weights; the older state goes."""
    state = some_state()
    state.progress = Progress(7, {"ir": 0.1 + 0.2}, 1 / 3, 0.5, [Scored(5, 0.25, {"x/y": 0.25})], 12.5, 99)
    state.best = {"weight": torch.ones(2)}
    (tmp_path / ".step-00000003").mkdir()  # what an interrupted save leaves
    state.save(tmp_path)
    state.progress.step = 8
    state.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000008"]
    assert not [path for path in tmp_path.rglob("*") if path.suffix not in (".json", ".safetensors", "")]

    other = some_state(seed=1)
    saved = newest(tmp_path)
    assert saved is not None
    other.load(saved)
    assert other.progress == state.progress
    assert torch.equal(other.best["weight"], torch.ones(2))
    for mine, theirs in zip(other.backbone.parameters(), state.backbone.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    mine_state, their_state = other.optimizer.state_dict(), state.optimizer.state_dict()
    assert mine_state["param_groups"] == their_state["param_groups"]
    torch.testing.assert_close(mine_state["state"], their_state["state"], atol=0, rtol=0)
    mine_rng, their_rng = other.generators["stream a"], state.generators["stream a"]
    assert [mine_rng.gauss(0, 1), mine_rng.random()] == [their_rng.gauss(0, 1), their_rng.random()]
    clear(tmp_path)
    assert newest(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_full_disk_keeps_the_last_state(tmp_path: Path) -> None:
    """What was written of the next one goes, and the message is no traceback."""
    import resource

    module = nn.Linear(400, 4)
    optimizer = make_optimizer(list(module.parameters()), Recipe.model_fields["optimizer"].default)
    state = State({}, module, [], optimizer, {}, Progress(step=1))
    state.save(tmp_path)
    state.progress.step = 2
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(HarnessError, match="state of the run cannot be saved"):
            state.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    state.load(tmp_path / "step-00000001")
    assert state.progress.step == 1


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    """And what differs is named: a setting, a file that changed, one that is new."""
    state = some_state()
    state.save(tmp_path)
    other = some_state()
    other.identity = {
        "recipe": {"seed": 2, "streams": {"a": {"batch_size": 4}}},
        "data": {"a:x.tsv": "11", "a:y.tsv": "22"},
    }
    saved = newest(tmp_path)
    assert saved is not None
    with pytest.raises(UsageError) as caught:
        other.load(saved)
    for part in ("recipe.seed is 1 there and 2 here", 'data.a:x.tsv is "00"', "a:y.tsv is null", "--restart"):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["state.json", "backbone.safetensors", "optimizer.safetensors"])
def test_a_damaged_state_is_refused(tmp_path: Path, name: str) -> None:
    """It says which, and how to start over."""
    some_state().save(tmp_path)
    saved = newest(tmp_path)
    assert saved is not None
    (saved / name).write_bytes(b"{")
    with pytest.raises(UsageError, match="cannot be read") as caught:
        some_state().load(saved)
    assert "--restart" in str(caught.value)


def test_how_a_run_computes_is_no_part_of_what_it_is(make_recipe: Make) -> None:
    """A run that ran out of memory may go on in smaller chunks; another seed is another run."""
    recipe = Recipe.model_validate(make_recipe())
    chunked = Recipe.model_validate(make_recipe(runtime={"chunk": 8}, summary="x"))
    assert identity_of(recipe) == identity_of(chunked)
    assert identity_of(recipe) != identity_of(Recipe.model_validate(make_recipe(seed=4)))
    assert identity_of(recipe, data={"a": "0"}) != identity_of(recipe, data={"a": "1"})


def test_the_best_score_is_the_first_of_equals() -> None:
    """Patience counts from there."""
    progress = Progress(scores=[Scored(step, mean, {}) for step, mean in enumerate([0.1, 0.3, 0.2, 0.3])])
    assert progress.best is progress.scores[1] and progress.since_best == 2
    assert Progress().best is None and Progress().since_best == 0


def test_another_recipe_is_refused_before_any_data_is_read(make_recipe: Make, tmp_path: Path) -> None:
    """`check_recipe` names what differs, by the state's own file alone, and says nothing of one it cannot read."""
    recipe = Recipe.model_validate(make_recipe())
    saved = tmp_path / ".model.training" / "step-00000002"
    saved.mkdir(parents=True)
    check_recipe(saved, recipe)  # no state.json: left to `load`
    identity = identity_of(recipe, data={"stream:file": "digest"})
    (saved / "state.json").write_text(json.dumps({"identity": identity}), encoding="utf-8")
    check_recipe(saved, recipe)
    with pytest.raises(UsageError, match=r"recipe\.steps is \d+ there and 99999 here"):
        check_recipe(saved, recipe.model_copy(update={"steps": 99_999}))

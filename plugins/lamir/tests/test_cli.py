"""`harness train lamir`: arguments, messages and what lands where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from harness_lamir.cli import _without_folders, train

from harness.cli.main import main as harness_main
from harness.errors import UsageError

Make = Callable[..., dict[str, Any]]


def write(make: Make, folder: Path, **changes: object) -> Path:
    """Write the tiny recipe as YAML."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(make(**changes)), encoding="utf-8")
    return path


def invoke(*arguments: object, **environment: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(train, [str(argument) for argument in arguments], env=environment)


def refusal(*arguments: object) -> str:
    """Return the message with which the command is refused."""
    error = invoke(*arguments).exception
    assert isinstance(error, UsageError), error
    return str(error)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget folders that the environment names."""
    for name in ("HARNESS_TEST_DATA", "HARNESS_TRAIN_DATA", "HARNESS_TRAIN_OUTPUT", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def test_a_run_prints_its_folder_and_reports_on_stderr(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Standard output holds the folder alone; the card holds a command without this machine."""
    output = tmp_path / "model"
    config = write(make_recipe, tmp_path)
    done = invoke("--config", config, "--data", tiny_data, "--output", output, "--steps", 4, "--seed", 9)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{output}\n"
    assert "step 4/4: ir " in done.stderr and "held-out translations found" in done.stderr
    assert "steps/s" in done.stderr and "s left" in done.stderr
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "    harness train lamir --config tiny.yaml --data DATA --output tiny --seed 9 --steps 4\n" in card
    assert "Seed 9, 4 steps" in card


def test_flags_override_the_recipe(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Every flag lands in the recipe that is written, and in the card's command."""
    config = write(make_recipe, tmp_path, steps=2)
    done = invoke(
        "--config", config, "--data", tiny_data, "--output", tmp_path / "m", "--json",
        "--batch-size", "pairs=8", "--weight", "language=0.5", "--learning-rate", "0.001", "--precision", "bf16",
        "--chunk", "16", "--device", "cpu", "--set", "optimizer.clip=1.5", "--set", "objectives.ir.temperature=0.1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["output"] == str(tmp_path / "m") and summary["steps"] == 2 and set(summary["losses"]) >= {"ir"}
    written = json.loads((tmp_path / "m" / "recipe.json").read_text("utf-8"))
    assert written["streams"]["pairs"]["batch_size"] == 8
    assert [entry["weight"] for entry in written["objectives"]] == [1.0, 1.0, 0.5]
    assert written["objectives"][0]["temperature"] == 0.1
    assert (written["optimizer"]["learning_rate"], written["optimizer"]["clip"]) == (0.001, 1.5)
    assert (written["runtime"]["precision"], written["runtime"]["chunk"]) == ("bf16", 16)
    command = next(x for x in (tmp_path / "m" / "README.md").read_text("utf-8").splitlines() if "--config" in x)
    for part in ("--batch-size pairs=8", "--weight language=0.5", "--chunk 16", "--set optimizer.clip=1.5"):
        assert part in command


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--set", "optimizer.clap=1"), "'clip'"),
        (("--weight", "semantics=1"), "--weight semantics=1: the recipe has no objective 'semantics'"),
        (("--weight", "semantics=1"), "'semantic'"),
        (("--batch-size", "pears=1"), "--batch-size pears=1: the recipe has no stream 'pears'"),
        (("--batch-size", "pears=1"), "'pairs'"),
        (("--batch-size", "pairs=two"), "NAME=N"),
        (("--weight", "ir=0", "--weight", "semantic=0"), "must not train alone"),
        (("--set", "objectives.ir.temprature=1"), "temperature"),
        (("--learning-rate", "-1"), "optimizer.learning_rate"),
        (("--backbone", "no/such-model"), "no/such-model"),
    ],
)
def test_wrong_flags_are_refused(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, arguments: tuple[str, ...], part: str
) -> None:
    """With what is wrong, and what may have been meant."""
    config = write(make_recipe, tmp_path)
    message = refusal("--config", config, "--data", tiny_data, "--output", tmp_path / "m", *arguments)
    assert part in message, message
    assert not (tmp_path / "m").exists()


def test_a_dry_run_trains_nothing(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """It prints what would be trained on, as a table or as JSON, and finds what is wrong with the data."""
    config = write(make_recipe, tmp_path)
    arguments = ("--config", config, "--data", tiny_data, "--output", tmp_path / "m", "--dry-run")
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    for part in ("english", "cipher", "CC0 1.0", "1,200", "semantic", "pairs × 32", "150 steps", "nothing was trained"):
        assert part in done.stdout, part
    plan = json.loads(invoke(*arguments, "--json").stdout)
    assert plan["streams"]["pairs"]["languages"] == {"xa": 600, "xb": 600}
    assert plan["objectives"][2]["streams"] == {"pairs": "pairs", "texts": "texts"}
    assert [row["rows"] for row in plan["sources"] if row["stream"] == "pairs"] == [1200]
    assert plan["recipe"]["steps"] == 150
    assert not (tmp_path / "m").exists()
    (tiny_data / "english.tsv").write_text("only one column\n")
    assert "english.tsv:1" in refusal(*arguments)


@pytest.mark.parametrize("change", ["evaluation={every: 1, source: none}", "runtime.device=quantum"])
def test_a_dry_run_finds_what_a_run_would_stop_at(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, change: str
) -> None:
    """Evaluation data that is not there, and a device that is not."""
    config = write(make_recipe, tmp_path)
    message = refusal("--config", config, "--data", tiny_data, "--dry-run", "--set", change)
    assert "none" in message or "quantum" in message


def test_a_shipped_recipe_needs_a_data_folder() -> None:
    """It would otherwise be looked for in the installed package."""
    assert "--data" in refusal("--config", "tiny", "--dry-run")


def test_the_data_folder_defaults_to_the_recipes_own(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Or comes from the environment."""
    inside = write(make_recipe, tiny_data, steps=1)
    assert invoke("--config", inside, "--output", tmp_path / "a").exit_code == 0
    outside = write(make_recipe, tmp_path, steps=1)
    refusal("--config", outside, "--output", tmp_path / "b")
    done = invoke("--config", outside, "--output", tmp_path / "b", HARNESS_TRAIN_DATA=str(tiny_data))
    assert done.exit_code == 0


def test_flags_come_from_the_environment_too(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """One variable for each; those that repeat are separated by blanks."""
    config = write(make_recipe, tmp_path)
    done = invoke(
        "--config", config, "--data", tiny_data, "--dry-run",
        HARNESS_JSON="1", HARNESS_TRAIN_STEPS="7", HARNESS_TRAIN_BATCH_SIZE="pairs=8 texts=9",
    )  # fmt: skip
    recipe = json.loads(done.stdout)["recipe"]
    assert recipe["steps"] == 7
    assert [recipe["streams"][name]["batch_size"] for name in ("pairs", "texts")] == [8, 9]


def test_a_backbone_by_its_path_replaces_the_recipes(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """A folder that training wrote is trained on; the card does not say where it lay."""
    scratch = {"kind": "scratch", "layers": 1, "hidden": 16, "heads": 2, "tokens": 120}
    first = write(make_recipe, tmp_path, steps=1, backbone=scratch)
    common = ("--config", first, "--data", tiny_data, "--output")
    assert invoke(*common, tmp_path / "first").exit_code == 0
    done = invoke(*common, tmp_path / "second", "--backbone", tmp_path / "first", "--set", "backbone.max_tokens=32")
    assert done.exit_code == 0, done.output
    card = (tmp_path / "second" / "README.md").read_text("utf-8")
    assert "--backbone first --set backbone.max_tokens=32" in card and str(tmp_path) not in card


def test_nothing_that_is_written_names_a_folder_of_this_machine(
    make_recipe: Make, tiny_data: Path, tmp_path: Path
) -> None:
    """Neither weights' own files nor card nor recipe, wherever on the command line an absolute path was given."""
    scratch = {"kind": "scratch", "layers": 1, "hidden": 16, "heads": 2, "tokens": 120}
    first = write(make_recipe, tmp_path, steps=1, backbone=scratch)
    assert invoke("--config", first, "--data", tiny_data, "--output", tmp_path / "first").exit_code == 0
    config = write(make_recipe, tmp_path, steps=1)
    done = invoke(
        "--config", config, "--data", tiny_data, "--output", tmp_path / "m",
        "--set", f"backbone={{kind: transformer, model: {tmp_path / 'first'}, max_tokens: 32}}",
        "--set", f"forbidden=[{tiny_data / 'retrieval'}]",
        "--set", f"objectives.1={{use: distil, stream: pairs, teacher: {tmp_path / 'first'}}}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    for path in (tmp_path / "m").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    card = (tmp_path / "m" / "README.md").read_text("utf-8")
    assert "--set 'backbone={kind: transformer, model: first, max_tokens: 32}'" in card
    assert "--set 'forbidden=[retrieval]'" in card and "Kept apart from: `retrieval`" in card


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("evaluation.source=/srv/data/mr. tydi", "evaluation.source=mr. tydi"),
        ("/srv/k=v/xquad/", "xquad"),
        ("~/xquad", "xquad"),
        ("objectives.ir.temperature=0.1", "objectives.ir.temperature=0.1"),
        ("backbone={model: '/srv/m/x', revision: null}", "backbone={model: 'x', revision: null}"),
        ("summary=see https://example.org/a/b", "summary=see https://example.org/a/b"),
        ("forbidden=[retrieval/xquad, /srv/y]", "forbidden=[retrieval/xquad, y]"),
    ],
)
def test_the_command_on_the_card_has_no_folders(given: str, shown: str) -> None:
    """Of an absolute path its last component; relative ones and addresses as they are."""
    assert _without_folders(given) == shown


def test_a_forbidden_folder_can_be_added(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """--forbid joins the recipe's own list."""
    (tiny_data / "more").mkdir()
    (tiny_data / "more" / "q.jsonl").write_text('{"_id": "1", "text": "Water"}')
    (tiny_data / "english.tsv").write_text("water\tthe river\n")
    config = write(make_recipe, tmp_path)
    assert "english.tsv:1" in refusal("--config", config, "--data", tiny_data, "--forbid", "more", "--output", "x")


def test_a_shipped_recipe_goes_by_its_name(tmp_path: Path) -> None:
    """`--config pocket` is found; its data is then looked for in the folder given."""
    assert "retrieval/xquad" in refusal("--config", "pocket", "--data", tmp_path, "--output", tmp_path / "m")


def test_a_run_that_stops_early_says_so(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """The steps that it did not make are no mystery; one subset is not called several."""
    settings = {
        "every": 1, "patience": 1, "tasks": ["low-resource/sw-en"], "limit": 1, "keep_best": False,
    }  # fmt: skip
    config = write(make_recipe, tmp_path, steps=30, evaluation=settings, optimizer={"learning_rate": 1e-9})
    done = invoke("--config", config, "--data", tiny_data, "--output", tmp_path / "m")
    assert done.exit_code == 0, done.output
    assert "stopped early, after 2 of 30 steps" in done.stderr and " of 1 subset\n" in done.stderr


def test_an_interrupted_run_goes_on(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with code 2 once the step is done and its state saved; the same command finishes the run."""
    import os
    import signal

    from harness_lamir.training import trainer

    step = trainer._Run._step

    def interrupted(self: Any, number: int) -> Any:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, number)

    config = write(make_recipe, tmp_path, steps=5)
    arguments = ["train", "lamir", "--config", str(config), "--data", str(tiny_data), "--output", str(tmp_path / "m")]
    monkeypatch.setattr(trainer._Run, "_step", interrupted)
    assert harness_main(arguments) == 2
    assert not (tmp_path / "m").exists() and (tmp_path / ".m.training" / "step-00000003").is_dir()
    monkeypatch.setattr(trainer._Run, "_step", step)
    done = invoke(*arguments[2:])
    assert "going on after step 3" in done.stderr and done.exit_code == 0
    assert not (tmp_path / ".m.training").exists()
    again = invoke(*arguments[2:])
    assert isinstance(again.exception, UsageError) and "not empty" in str(again.exception)
    assert invoke(*arguments[2:], "--overwrite").exit_code == 0


def test_tensorboard_is_looked_for_before_work_starts(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package the flag is refused."""
    monkeypatch.setattr("harness_lamir.training.logs.find_spec", lambda name: None)
    config = write(make_recipe, tmp_path)
    arguments = ("--config", config, "--data", tmp_path / "none", "--output", tmp_path / "m", "--tensorboard")
    assert "tensorboard" in refusal(*arguments)


def test_the_module_runs_by_itself(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """As `accelerate launch -m harness_lamir.cli` runs it: errors are one line, and the exit code says what kind."""
    config = write(make_recipe, tmp_path, steps=0)
    command = [sys.executable, "-m", "harness_lamir.cli", "--config", str(config), "--data", str(tiny_data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and done.stderr.startswith("error: recipe") and "steps" in done.stderr
    done = subprocess.run([*command, "--nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and "--nonsense" in done.stderr


def test_help_names_every_option_and_needs_no_torch() -> None:
    """It is printed at once."""
    script = "import sys; from harness_lamir.cli import train; train.main(['--help'], standalone_mode=False); "
    script += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for option in train.params:
        assert option.opts[0] in done.stdout

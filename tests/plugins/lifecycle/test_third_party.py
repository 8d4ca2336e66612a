"""The whole life of plugins that are not ours: install, list, check, run, board, uninstall, by the command line.

Four distributions below `projects/`, each in a layout of its own and none in that of this repository, are built as
wheels and installed into an environment that has the core as a wheel too: an encoder, a searcher, one for an old
version of the plugin API, one that does not import.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECTS = Path(__file__).with_name("projects")
GOOD = {"letters": "acme-letters", "overlap": "word-overlap-search"}
BAD = {"old": "yesteryear", "broken": "half-finished"}

_SELECTION = ("--tasks", "mr-tydi", "--languages", "en,fi,sw")


@dataclass(frozen=True)
class Told:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Life:
    """The story: where it took place, and what each command of it left, by a name."""

    environment: Path
    results: Path
    boards: Path
    told: dict[str, Told]

    def json(self, name: str) -> Any:
        """What a command printed with --json."""
        return json.loads(self.told[name].stdout)


@pytest.fixture(scope="module")
def life(environment: Any, build: Any, once: Any) -> Life:
    """The story, told once."""

    def tell(folder: Path) -> dict[str, Any]:
        return {"folder": str(folder), "told": _story(folder, environment(folder / "environment"), build)}

    facts = once("third-party", tell)
    folder = Path(facts["folder"])
    told = {name: Told(*each) for name, each in facts["told"].items()}
    return Life(folder / "environment", folder / "results", folder / "boards", told)


def _story(folder: Path, environment: Any, build: Callable[[Path, Path], Path]) -> dict[str, tuple[int, str, str]]:
    wheels = {}
    for project in (*GOOD, *BAD):
        shutil.copytree(PROJECTS / project, folder / project)  # nothing of the checkout is near when it is built
        wheels[project] = build(folder / project, folder)
    boards = ("--results", folder / "results", "--output", folder / "boards")
    run = ("run", *_SELECTION, "--json", "--output", folder / "results" / "pocket")
    told: dict[str, tuple[int, str, str]] = {}

    def tell(name: str, *arguments: object) -> None:
        done = environment.harness(*arguments)
        told[name] = (done.returncode, done.stdout, done.stderr)

    tell("encoders before", "encoders")
    tell("hashing before", *run, "--encoder", "hashing", "--overwrite", "always")

    environment.install(*(wheels[name] for name in GOOD))
    tell("encoders", "encoders")
    tell("doctor", "doctor", "--json")

    environment.install(*(wheels[name] for name in BAD))
    tell("encoders with bad", "encoders")
    tell("encoders as json", "encoders", "--json")
    tell("plugins", "plugins")
    tell("plugins as json", "plugins", "--json")
    tell("doctor with bad", "doctor", "--json")
    for name in GOOD:
        tell(f"check {name}", "check-plugin", name, "--json")
    tell("check old", "check-plugin", "yesteryear")
    tell("run", *run, "--encoder", "letters", "--encoder", "overlap", "-o", "letters.pairs=true")
    tell("hashing with bad", *run, "--encoder", "hashing", "--overwrite", "always")
    tell("board", "leaderboard", *boards)

    environment.uninstall(*GOOD.values(), *BAD.values())
    tell("plugins after", "plugins", "--json")
    tell("encoders after", "encoders")
    tell("run after", *run, "--encoder", "letters")
    tell("board after", "leaderboard", *boards, "--check")
    return told


def test_the_core_is_the_wheel(life: Life) -> None:
    """What is tried here is the installed package, and not the checkout."""
    (finding,) = [f for f in life.json("doctor")["findings"] if f["name"] == "lamir-harness"]
    assert Path(finding["data"]["folder"]).is_relative_to(life.environment)


def test_install_and_list(life: Life) -> None:
    """Both good ones are listed, with kind and version, where they were not before; nothing else changed."""
    before, after = (life.told[name].stdout.splitlines() for name in ("encoders before", "encoders"))
    assert not any("acme-letters" in line for line in before)
    rows = {line.split()[0]: line for line in after if line.strip()}
    assert "acme-letters 2.1" in rows["letters"] and "pairs of letters, counted" in rows["letters"]
    assert "searcher" in rows["overlap"] and "word-overlap-search 0.3.dev1" in rows["overlap"]
    assert life.told["encoders"].returncode == 0
    assert life.told["encoders"].stderr == life.told["encoders before"].stderr


def test_plugins_lists_good_and_bad(life: Life) -> None:
    """`harness plugins` shows what each brings, and the stage and reason where one failed."""
    found = life.json("plugins as json")
    brought = {plugin["distribution"]: plugin["encoders"] for plugin in found["plugins"]}
    assert (brought["acme-letters"], brought["word-overlap-search"]) == (["letters"], ["overlap"])
    failed = {failure["distribution"]: (failure["stage"], failure["error"]) for failure in found["failures"]}
    assert failed["yesteryear"][0] == "api"
    assert failed["half-finished"][0] == "import"
    assert "a_package_that_nobody_has" in failed["half-finished"][1]
    told = life.told["plugins"].stdout
    assert "failed (api)" in told and "failed (import)" in told


def test_bad_ones_cost_one_line_of_warning_each(life: Life) -> None:
    """Nothing on stdout, nothing in the exit code, no traceback: one line on stderr for each, that names it."""
    before, after = (life.told[name].stderr.splitlines() for name in ("encoders before", "encoders with bad"))
    new = [line for line in after if line not in before]
    assert len(after) == len(before) + 2
    assert len([line for line in new if line.startswith("harness: warning:") and "yesteryear 0.9" in line]) == 1
    assert len([line for line in new if line.startswith("harness: warning:") and "half-finished 0.0.1" in line]) == 1
    assert life.told["encoders with bad"].returncode == 0
    assert life.told["encoders with bad"].stdout == life.told["encoders"].stdout
    assert {e["name"] for e in life.json("encoders as json")["encoders"]} >= {"letters", "overlap", "hashing"}


def test_bad_ones_change_no_score(life: Life) -> None:
    """A run beside them gives what it gave without them."""
    before, after = (life.json(name)["results"] for name in ("hashing before", "hashing with bad"))
    assert [(row["subset"], row["metrics"]) for row in before] == [(row["subset"], row["metrics"]) for row in after]
    assert len(after) == 3


def test_doctor_tells_the_bad_ones(life: Life) -> None:
    """Before, nothing of theirs is amiss; afterwards two problems, and a failure."""
    theirs = {**GOOD, **BAD}.values()

    def problems(name: str) -> set[str]:
        findings = life.json(name)["findings"]
        return {f["data"]["distribution"] for f in findings if f["status"] == "problem" and "distribution" in f["data"]}

    assert problems("doctor") & set(theirs) == set()
    assert problems("doctor with bad") & set(theirs) == set(BAD.values())
    assert life.told["doctor with bad"].returncode == 1


@pytest.mark.parametrize("name", GOOD)
def test_check(life: Life, name: str) -> None:
    """`harness check-plugin` runs on code that has never seen this repository, and finds it conforming."""
    done = life.told[f"check {name}"]
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["encoder"] == f"{GOOD[name]}:{name}"
    assert {check["status"] for check in found["checks"]} <= {"passed", "skipped"}


def test_check_of_a_plugin_that_failed(life: Life) -> None:
    """Asked for by name, the one that was skipped is a usage error that says why it was."""
    done = life.told["check old"]
    assert (done.returncode, done.stdout) == (4, "")
    assert "version 0 of the plugin API" in done.stderr


def test_run(life: Life) -> None:
    """Both run on the pocket collection and beat chance; their results name distribution and version."""
    assert life.told["run"].returncode == 0, life.told["run"].stderr
    rows = life.json("run")["results"]
    assert {(row["encoder"], row["subset"]) for row in rows} == {
        (name, subset) for name in GOOD for subset in ("en", "fi", "sw")
    }
    assert all(row["status"] == "ok" and row["metrics"]["mrr@100"] > 0.2 for row in rows)
    cards = [json.loads(path.read_text("utf-8"))["encoder"] for path in life.results.rglob("*.json")]
    assert {(card["spec"], card["distribution"], card["version"], card["kind"]) for card in cards} >= {
        ("letters", "acme-letters", "2.1", "encoder"),
        ("overlap", "word-overlap-search", "0.3.dev1", "searcher"),
    }


def test_board(life: Life) -> None:
    """Each has its row on the board of the folder that its results were written to."""
    assert life.told["board"].returncode == 0
    lines = (life.boards / "pocket.md").read_text("utf-8").splitlines()
    for name in (*GOOD, "hashing"):
        assert any(line.startswith("|") and name in line for line in lines), name


def test_uninstall(life: Life) -> None:
    """They are gone from every list, as if they had never been there, and cannot be run."""
    found = life.json("plugins after")
    assert {each["distribution"] for each in (*found["plugins"], *found["failures"])}.isdisjoint(
        {**GOOD, **BAD}.values()
    )
    assert life.told["encoders after"].stdout == life.told["encoders before"].stdout
    assert life.told["encoders after"].stderr == life.told["encoders before"].stderr
    done = life.told["run after"]
    assert done.returncode == 4
    assert "there is no encoder 'letters'" in done.stderr


def test_rows_stay_on_the_board(life: Life) -> None:
    """A board is made of results alone: without the plugins it is the same page."""
    assert life.told["board after"].returncode == 0, life.told["board after"].stdout

"""What `harness new-plugin` writes, taken up the way an author does: built, installed, tested, checked, run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Facts = dict[str, Any]


@pytest.fixture(scope="module", params=["encoder", "searcher", "reranker"])
def written(request: pytest.FixtureRequest, environment: Any, build: Any, once: Any) -> Facts:
    """A new plugin, written by the command line and installed from its wheel; what `--json` said of it.

    `environment` in it is the folder of the environment.
    """

    def work(folder: Path) -> Facts:
        own = environment(folder / "environment")
        done = own.harness(
            "new-plugin", f"first.{request.param}-0", "--kind", request.param, "--output", folder, "--json"
        )
        assert done.returncode == 0, done.stderr
        facts: Facts = json.loads(done.stdout)
        own.install(build(Path(facts["folder"]), folder))
        return {**facts, "environment": str(own.folder)}

    facts: Facts = once(f"new-{request.param}", work)
    return facts


@pytest.fixture
def own(written: Facts, environment: Any) -> Any:
    """The environment that the plugin was installed into."""
    return environment(Path(written["environment"]))


def test_its_own_tests_pass(written: Facts, own: Any) -> None:
    """`python -m pytest` in its folder: the conformance kit and the test of what it does, all of them run."""
    done = own.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=Path(written["folder"]))
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout and "passed" in done.stdout


def test_it_conforms(written: Facts, own: Any) -> None:
    """`harness check-plugin` finds nothing to complain of, and expected no failure."""
    done = own.harness("check-plugin", written["name"], "--json")
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["encoder"] == f"{written['distribution']}:{written['name']}"
    statuses = [check["status"] for check in found["checks"]]
    assert set(statuses) <= {"passed", "skipped"}
    assert statuses.count("passed") > 10


def test_it_is_listed_and_runs(written: Facts, own: Any, tmp_path: Path) -> None:
    """The command that the README gives finds more than chance does, on every language it is asked for."""
    listed = json.loads(own.harness("encoders", written["name"], "--json").stdout)
    assert (listed["kind"], listed["distribution"]) == (written["kind"], written["distribution"])
    (run,) = [step for step in written["steps"] if step.startswith("harness run ")]
    selection = ("--tasks", "mr-tydi", "--languages", "en,fi,sw", "--output", tmp_path / "results", "--json")
    done = own.run(*run.split(), *selection)
    assert done.returncode == 0, done.stderr
    chance = own.harness("run", "--encoder", "random", *selection)
    scores, floor = (
        {row["subset"]: row["metrics"]["mrr@100"] for row in json.loads(each.stdout)["results"]}
        for each in (done, chance)
    )
    assert scores.keys() == floor.keys() == {"en", "fi", "sw"}
    assert all(scores[subset] > 2 * floor[subset] for subset in scores)


def test_the_package_is_typed(written: Facts, own: Any) -> None:
    """The plugin and the core both carry py.typed, so that an author's mypy sees the types."""
    code = "from importlib.resources import files; print(files({package!r}).joinpath('py.typed').is_file())"
    for package in ("harness", written["package"]):
        assert own.run("python", "-c", code.format(package=package)).stdout == "True\n"


@pytest.mark.parametrize("tool", [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", "src")])
def test_style_and_types(written: Facts, tool: tuple[str, ...], own: Any) -> None:
    """Ruff and mypy, as its tox.ini runs them, have nothing to say. Skipped where they are not installed."""
    pytest.importorskip(tool[0])
    cache = ("--cache-dir", str(own.folder.parent.parent / "mypy")) if tool[0] == "mypy" else ()
    done = subprocess.run(
        [sys.executable, "-m", *tool, *cache], cwd=written["folder"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr

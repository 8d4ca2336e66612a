"""docs/plugins.md, done step by step: its files written, its models found, checked and run, its messages provoked."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import harness.plugins
from harness.plugins import EncoderSpec
from harness.plugins.loading import parse_assignments
from harness.testing import CHECKS

#: Console lines that no test carries out: what they do is done by `_install`.
_NOT_RUN = {"pip install -e .", "pip install -e ./harness-my-model"}


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs" / "plugins.md").read_text("utf-8")


@pytest.fixture(scope="module")
def files(page: str) -> dict[str, str]:
    """Path → content of every file that the page names in bold, in front of its block."""
    pattern = r"\*\*`([^`]+)`\*\*(?:(?!```).)*?\n\n```\w+\n(.*?)```"
    return dict(re.findall(pattern, page, flags=re.DOTALL))


def _blocks(page: str, language: str) -> list[str]:
    return [text for kind, text in re.findall(r"```(\w+)\n(.*?)```", page, flags=re.DOTALL) if kind == language]


def _commands(page: str) -> list[str]:
    return [line.removeprefix("$ ") for text in _blocks(page, "console") for line in text.splitlines()]


@pytest.fixture(scope="module")
def plugin(page: str, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files in a folder, installed the way pip leaves an installed distribution."""
    folder = tmp_path_factory.mktemp("letters")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    first, second = (tomllib.loads(block)["project"] for block in _blocks(page, "toml"))
    _install(folder, first["name"], first["version"], {**first["entry-points"], **second["entry-points"]})
    return folder


def _install(folder: Path, name: str, version: str, entry_points: dict[str, dict[str, str]]) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()) for group, points in entry_points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def _run(plugin: Path, *arguments: str, first: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (first, plugin) if folder is not None)
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=first or plugin,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def _command(plugin: Path, page: str, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the page, to the letter."""
    assert command in _commands(page)
    done = _run(plugin, *command.split(), *more)
    assert done.returncode == 0, done.stderr + done.stdout
    return done


def test_the_page_is_covered(page: str, files: dict[str, str]) -> None:
    """Every file block has a name, and every command of the page is one that a test below runs."""
    assert len(_blocks(page, "toml")) == 2 and len(_blocks(page, "text")) == 3
    named = [name for name in files if name.endswith(".py")]
    assert len(_blocks(page, "python")) == len(named) + 2  # expected failures and training data are no files
    tests = Path(__file__).read_text("utf-8")
    for command in _commands(page):
        assert command in _NOT_RUN or f'"{command.partition(" --output boards/r")[0]}"' in tests, command


def test_quick_way(page: str, tmp_path: Path) -> None:
    """`harness new-plugin` writes what the page lists, and what it writes is found, checked and run."""
    pytest.importorskip("jinja2")
    _command(tmp_path, page, "harness new-plugin my-model")
    folder = tmp_path / "harness-my-model"
    for name in ("pyproject.toml", "tox.ini", "README.md"):
        assert (folder / name).is_file()
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    _install(folder / "src", project["name"], project.get("version", "0.1.0"), project["entry-points"])
    _command(folder / "src", page, "harness check-plugin my-model")
    _command(folder / "src", page, "harness run --encoder my-model", "--tasks", "mr-tydi", "--languages", "sw")


def test_encoder_is_listed_with_its_option(plugin: Path, page: str) -> None:
    """`harness encoders letters` shows the summary and the option the page declares."""
    done = _command(plugin, page, "harness encoders letters")
    assert "counts of the letters a to z" in done.stdout
    assert "min_count" in done.stdout


def test_encoder_passes_the_conformance_kit(plugin: Path, page: str) -> None:
    """`harness check-plugin letters` ends with the line on the page, and so does the page's own test file."""
    done = _command(plugin, page, "harness check-plugin letters")
    last = done.stdout.splitlines()[-1]
    assert last == _blocks(page, "text")[0].strip()
    assert "info.normalized is false" in done.stdout
    passed, skipped = int(last.split()[0]), int(last.split()[4])
    tested = _run(plugin, "pytest", "-q", "-p", "no:cacheprovider", "test_letters.py")
    assert tested.returncode == 0, tested.stdout
    assert f"{passed} passed, {skipped} skipped" in tested.stdout


def test_other_kinds_pass_too(plugin: Path, page: str) -> None:
    """The searcher, the reranker and the encoder on torch hold to their contracts."""
    for command in (
        "harness check-plugin shared-words",
        "harness check-plugin shared-pairs",
        "harness check-plugin bytes -o device=cpu",
    ):
        done = _command(plugin, page, command, "--json")
        found = json.loads(done.stdout)
        assert found["ok"] and found["counts"]["passed"] > 20, command


def test_encoder_runs_above_chance(plugin: Path, page: str) -> None:
    """The page's run gives four complete subsets, all above the score of random vectors."""
    command = "harness run --encoder letters --tasks mr-tydi --languages en,fi,id,sw"
    done = _command(plugin, page, command, "--encoder", "random", "--json")
    results = json.loads(done.stdout)["results"]
    scores = {(r["encoder"], r["subset"]): r["metrics"]["mrr@100"] for r in results}
    assert len(scores) == 8
    for language in ("en", "fi", "id", "sw"):
        assert scores["letters", language] > 2 * scores["random", language]


def test_searcher_with_reranker_runs(plugin: Path, page: str) -> None:
    """A first stage and a second one give one result, which beats chance."""
    command = "harness run --encoder shared-words --rerank shared-pairs --tasks mr-tydi --languages sw"
    (result,) = json.loads(_command(plugin, page, command, "--json").stdout)["results"]
    assert result["metrics"]["mrr@100"] > 0.2


def test_row_on_a_board(plugin: Path, page: str) -> None:
    """The two commands give a page with a row of the encoder."""
    _command(
        plugin,
        page,
        "harness run --encoder letters --tasks mr-tydi --languages en,fi,id,sw --output boards/results/mine",
    )
    _command(plugin, page, "harness leaderboard --results boards/results --output boards")
    assert "| letters |" in (plugin / "boards" / "mine.md").read_text("utf-8")


def test_expected_failures_are_of_checks_that_exist(page: str) -> None:
    """The declaration on the page is one, and names a check of the kit."""
    (block,) = [text for text in _blocks(page, "python") if "expected_failures" in text]
    names: dict[str, Any] = {}
    exec(compile(block.replace("EncoderSpec(\n", "spec = EncoderSpec(\n"), "plugins.md", "exec"), names)
    spec = names["spec"]
    assert isinstance(spec, EncoderSpec)
    assert set(spec.expected_failures) <= {check.id for check in CHECKS}


def test_the_option_for_training_data_is_one(page: str) -> None:
    """The options on the page take the list that the page gives on its command line."""
    (block,) = [text for text in _blocks(page, "python") if "TrainingDatasets" in text]
    names: dict[str, Any] = {}
    exec(compile(block, "plugins.md", "exec", dont_inherit=True), names)
    assert "-o 'training_datasets=[\"nq\"]'" in page
    given = parse_assignments(("model=m", 'training_datasets=["nq"]'))
    assert names["AnyModelOptions"](**given).training_datasets == ("nq",)


def test_broken_plugin_says_what_the_page_says(plugin: Path, page: str, tmp_path: Path) -> None:
    """A misspelt import gives the warning to the letter, and everything else works on."""
    copy = tmp_path / "harness_letters"
    copy.mkdir()
    for path in (plugin / "harness_letters").glob("*.py"):
        head = "import numpyy\n" if path.name == "plugin.py" else ""
        (copy / path.name).write_text(head + path.read_text("utf-8"), "utf-8")
    done = _run(plugin, "harness", "encoders", "--json", first=tmp_path)
    assert done.returncode == 0
    assert _blocks(page, "text")[1].strip() in done.stderr
    names = {encoder["name"] for encoder in json.loads(done.stdout)["encoders"]}
    assert "letters" not in names and {"bytes", "hashing"} <= names
    safe = _run(plugin, "harness", "--no-plugins", "encoders", "--json", first=tmp_path)
    assert safe.stderr == ""


def test_clash_says_what_the_page_says(plugin: Path, page: str, tmp_path: Path) -> None:
    """Two distributions with one name give the error to the letter, and each is found by its qualified name."""
    _install(tmp_path, "other-letters", "1.0", {"lamir_harness": {"letters": "harness_letters.plugin"}})
    done = _run(plugin, "harness", "encoders", "letters", first=tmp_path)
    assert done.returncode == 4
    assert done.stderr.strip() == _blocks(page, "text")[2].strip()
    assert _run(plugin, "harness", "encoders", "other-letters:letters", first=tmp_path).returncode == 0


def test_versions_of_the_page_are_those_of_the_harness(page: str, files: dict[str, str]) -> None:
    """The tutorial is written for the present version of the API, and the page names the attributes that exist."""
    tree = ast.parse(files["harness_letters/plugin.py"])
    (declared,) = [n.value.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "HARNESS_API"]  # type: ignore[attr-defined]
    assert declared == harness.plugins.API_VERSION >= harness.plugins.OLDEST_API_VERSION


def test_links_lead_somewhere(page: str, repository: Path) -> None:
    """Every relative link of the page is a file."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page) if not link.startswith("http")]
    assert links
    for link in links:
        assert (repository / "docs" / link).exists(), link

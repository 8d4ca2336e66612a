"""docs/first-plugin.md, done step by step: its files written, its encoder found, checked and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_FILES = {
    "toml": ["pyproject.toml"],
    "python": ["harness_letters/plugin.py", "harness_letters/encoder.py", "test_it.py"],
}


@pytest.fixture
def plugin(repository: Path, tmp_path: Path) -> Path:
    """The guide's files in a folder, installed the way pip leaves an installed distribution."""
    page = (repository / "docs" / "first-plugin.md").read_text("utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", page, flags=re.DOTALL)
    folder = tmp_path / "letters"
    (folder / "harness_letters").mkdir(parents=True)
    for language, names in _FILES.items():
        found = [text for kind, text in blocks if kind == language]
        assert len(found) == len(names)
        for name, text in zip(names, found, strict=True):
            (folder / name).write_text(text, "utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in e.items()) for group, e in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def _run(plugin: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(plugin)}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=plugin, env=environment, capture_output=True, text=True, timeout=300
    )


def test_guide_encoder_is_listed_with_its_option(plugin: Path) -> None:
    """`harness encoders letters` shows the summary and the option the guide declares."""
    done = _run(plugin, "harness", "encoders", "letters")
    assert done.returncode == 0, done.stderr
    assert "counts of the letters a to z" in done.stdout
    assert "min_count" in done.stdout


def test_guide_encoder_passes_the_conformance_kit(plugin: Path) -> None:
    """`harness check-plugin letters` passes, and so does the guide's own test file."""
    done = _run(plugin, "harness", "check-plugin", "letters", "--json")
    checks = json.loads(done.stdout)["checks"]
    assert [check for check in checks if check["status"] != "passed"] == []
    assert f"{_number(len(checks))} checks" in (
        Path(__file__).resolve().parents[2] / "docs" / "first-plugin.md"
    ).read_text("utf-8")
    tested = _run(plugin, "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
    assert tested.returncode == 0, tested.stdout
    assert f"{len(checks)} passed" in tested.stdout


def test_guide_encoder_runs_above_chance(plugin: Path) -> None:
    """The guide's run gives four complete subsets, all above the score of random vectors."""
    run = ("harness", "run", "--encoder", "letters", "--encoder", "random", "--tasks", "mr-tydi")
    done = _run(plugin, *run, "--languages", "en,fi,id,sw", "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    scores = {(r["encoder"], r["subset"]): r["metrics"]["mrr@100"] for r in results}
    assert len(scores) == 8
    for language in ("en", "fi", "id", "sw"):
        assert scores["letters", language] > 2 * scores["random", language]


def _number(count: int) -> str:
    return {11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen"}[count]

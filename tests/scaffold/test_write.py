"""What a new plugin consists of, and how it comes to the disk."""

from __future__ import annotations

import ast
import configparser
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from harness import __version__
from harness.errors import UsageError
from harness.scaffold import render, write_plugin
from harness.scaffold.naming import LONGEST, ROLES, names_of
from harness.scaffold.write import FILES, TEMPLATES

KIND = sorted(ROLES)
NAMES = st.from_regex(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST - 1}}}", fullmatch=True)


def test_templates_are_complete() -> None:
    """Every template is used, and every one that is named is there, for each kind."""
    named = {template.format(module=kind) for template in FILES.values() if template for kind in KIND}
    assert {path.name for path in TEMPLATES.iterdir()} == named


@pytest.mark.parametrize("kind", KIND)
def test_files(kind: Any) -> None:
    """The layout is that of this project's own plugins."""
    assert set(map(str, render(names_of("my-model", kind)))) == {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "tox.ini",
        "src/harness_my_model/__init__.py",
        "src/harness_my_model/plugin.py",
        f"src/harness_my_model/{kind}.py",
        "src/harness_my_model/py.typed",
        "tests/test_my_model.py",
    }


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(NAMES, st.sampled_from(KIND))
def test_whatever_the_name_the_files_are_well_formed(name: str, kind: Any) -> None:
    """TOML, INI and Python parse, hold the names where they belong, and nothing of the templates is left over."""
    try:
        names = names_of(name, kind)
    except UsageError:
        assume(False)
    files = render(names)
    project = tomllib.loads(files[PurePosixPath("pyproject.toml")])["project"]
    assert project["name"] == names.distribution
    assert project["entry-points"] == {"lamir_harness": {name: f"{names.package}.plugin"}}
    needed = {requirement.name: requirement for requirement in map(Requirement, project["dependencies"])}
    assert needed["lamir-harness"].specifier.contains(__version__)
    tox = configparser.ConfigParser(interpolation=None)
    tox.read_string(files[PurePosixPath("tox.ini")])
    assert f"harness check-plugin {name}" in tox["testenv"]["commands"].splitlines()
    for path, text in files.items():
        assert "{{" not in text and "{%" not in text and "\t" not in text
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n"))
        if path.suffix == ".py":
            tree = ast.parse(text)
            assert ast.get_docstring(tree)
            assert max(map(len, text.splitlines())) <= 120
            assert [line for line in text.splitlines() if line != line.rstrip()] == []
    code = ast.parse(files[PurePosixPath(f"src/{names.package}/{names.module}.py")])
    assert names.model in [node.name for node in code.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("kind", KIND)
def test_plugin_module_is_light(kind: Any) -> None:
    """The plugin module imports the core's vocabulary and pydantic, and nothing else."""
    tree = ast.parse(render(names_of("my-model", kind))[PurePosixPath("src/harness_my_model/plugin.py")])
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "harness.plugins", "pydantic"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


@pytest.mark.parametrize("kind", KIND)
def test_the_place_to_edit_is_marked_and_short(kind: Any) -> None:
    """One pair of marks, with at most ten lines between them."""
    text = render(names_of("my-model", kind))[PurePosixPath(f"src/harness_my_model/{kind}.py")]
    lines = [line.strip() for line in text.splitlines()]
    (begin,) = [i for i, line in enumerate(lines) if line.startswith("# ---- Edit from here")]
    (end,) = [i for i, line in enumerate(lines) if line.startswith("# ---- To here")]
    assert 0 < end - begin - 1 <= 10


@pytest.mark.parametrize("kind", KIND)
def test_an_edit_gives_another_fingerprint(kind: Any, tmp_path: Path) -> None:
    """Nothing that was stored before an edit is used after it, and without one everything is."""
    names = names_of("my-model", kind)
    written = write_plugin(names, tmp_path)
    code = (
        f"from {names.package}.plugin import {names.options} as options\n"
        f"from {names.package}.{names.module} import {names.model} as model\n"
        "print(model(options()).info.fingerprint)"
    )

    def fingerprint() -> str:
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], cwd=written.folder / "src", capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = fingerprint()
    assert fingerprint() == before
    text = written.to_edit.read_text("utf-8")
    written.to_edit.write_text(text.replace(".casefold()", ".lower()"), "utf-8")
    assert fingerprint() != before


@pytest.mark.parametrize("kind", KIND)
@pytest.mark.parametrize("name", ["a", "1" * LONGEST, "a-" * (LONGEST // 2 - 1) + "bc", "tests", "zebra"])
def test_ruff_has_nothing_to_say(name: str, kind: Any, tmp_path: Path) -> None:
    """Order of imports and line breaks depend on the name: ruff is content with short and with long ones."""
    pytest.importorskip("ruff")
    folder = write_plugin(names_of(name, kind), tmp_path).folder
    for command in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache"], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_written_as_rendered(tmp_path: Path) -> None:
    """The folder holds what was rendered, is open to others as the user's folders are, and no other name is left."""
    names = names_of("my-model")
    written = write_plugin(names, tmp_path / "deep" / "er")
    assert written.folder == tmp_path / "deep" / "er" / "harness-my-model"
    found = {path.relative_to(written.folder) for path in written.folder.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in found} == set(written.files)
    for path, text in render(names).items():
        assert (written.folder / path).read_text("utf-8") == text
    assert os.listdir(tmp_path / "deep" / "er") == ["harness-my-model"]
    other = tmp_path / "other"
    other.mkdir()
    assert stat.S_IMODE(written.folder.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
    assert written.to_edit.is_file()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    """A folder of the name that has nothing in it is no obstacle."""
    (tmp_path / "harness-my-model").mkdir()
    assert (write_plugin(names_of("my-model"), tmp_path).folder / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("occupy", "says"),
    [
        (lambda path: (path.mkdir(), (path / ".git").mkdir()), "is not empty"),
        (lambda path: path.write_text("mine"), "is no folder"),
        (lambda path: path.symlink_to("nowhere"), "is no folder"),
    ],
    ids=["hidden folder", "file", "dangling link"],
)
def test_what_is_there_is_left_alone(tmp_path: Path, occupy: Callable[[Path], object], says: str) -> None:
    """A folder with anything in it, a file and a link are refused, and nothing is written."""
    occupy(tmp_path / "harness-my-model")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match=says):
        write_plugin(names_of("my-model"), tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_output_must_be_a_folder(tmp_path: Path) -> None:
    """A file in place of the folder that --output names is a usage error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is no folder"):
        write_plugin(names_of("my-model"), tmp_path / "file")


def test_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails half-way leaves no folder, complete or not."""
    from harness.scaffold import write

    done: list[Path] = []

    def failing(path: Path, text: str) -> None:
        if len(done) == 4:
            raise OSError(28, "No space left on device", str(path))
        done.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    monkeypatch.setattr(write, "write_text", failing)
    with pytest.raises(OSError, match="No space left"):
        write_plugin(names_of("my-model"), tmp_path)
    assert len(done) == 4 and os.listdir(tmp_path) == []


def test_somebody_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that appears while ours is written is left as it is."""
    from harness.scaffold import write

    target = tmp_path / "harness-my-model"
    rendered = write.render

    def slow(names: Any) -> Any:
        target.mkdir()
        (target / "theirs").write_text("")
        return rendered(names)

    monkeypatch.setattr(write, "render", slow)
    with pytest.raises(UsageError, match="is not empty"):
        write_plugin(names_of("my-model"), tmp_path)
    assert os.listdir(tmp_path) == ["harness-my-model"] and os.listdir(target) == ["theirs"]

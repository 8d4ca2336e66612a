"""`harness new-plugin`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def test_new_plugin(cli: Cli, tmp_path: Path) -> None:
    """The folder is made where one stands, and what comes next is printed, the file to edit last."""
    done = cli("new-plugin", "my-model")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "harness-my-model" / "pyproject.toml").is_file()
    assert done.out.splitlines() == [
        "harness-my-model: 9 files of the encoder 'my-model'",
        "",
        "It works as it is. Next:",
        "",
        "    cd harness-my-model",
        "    python -m pip install -e '.[test]'",
        "    python -m pytest",
        "    harness check-plugin my-model",
        "    harness run --encoder my-model",
        "",
        "Then make it yours: harness-my-model/src/harness_my_model/encoder.py, between the two marks.",
    ]


@pytest.mark.parametrize("kind", ["encoder", "searcher", "reranker"])
def test_json(cli: Cli, tmp_path: Path, kind: str) -> None:
    """--json names the folder, its files, the one to edit and the steps, for each kind."""
    done = cli("new-plugin", "my-model", "--kind", kind, "--output", tmp_path / "a b", "--json")
    facts = done.json()
    folder = tmp_path / "a b" / "harness-my-model"
    assert facts["kind"] == kind
    assert (facts["folder"], facts["edit"]) == (str(folder), str(folder / f"src/harness_my_model/{kind}.py"))
    assert all((folder / name).is_file() for name in facts["files"])
    assert facts["steps"][0] == f"cd '{folder}'"


def test_mistakes(cli: Cli, tmp_path: Path) -> None:
    """A bad name, a name that is taken and a folder that is there are usage errors, and nothing is written."""
    (tmp_path / "harness-here").mkdir()
    (tmp_path / "harness-here" / "work").write_text("")
    for name, says in (
        ("My Model", "'my-model' would do."),
        ("hashing", "Choose another name"),
        ("lamir", "of this project"),
        ("here", "is not empty"),
    ):
        done = cli("new-plugin", name)
        assert (done.code, done.out) == (4, "")
        assert says in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["harness-here"]
    assert cli("new-plugin", "x", "--kind", "trainer").code == 4
    assert cli("new-plugin").code == 4

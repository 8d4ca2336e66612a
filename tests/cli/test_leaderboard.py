"""`harness leaderboard`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def board(cli: Cli) -> Path:
    """A folder `results` with one board of one result."""
    assert cli("run", "-e", "hashing", "-t", "xor-tydi", "--output", "results/pocket").code == 0
    return Path("results/pocket")


def _render(cli: Cli, *more: str) -> Any:
    return cli("leaderboard", "--results", "results", "--output", "pages", *more)


def test_pages_are_written(cli: Cli, board: Path) -> None:
    """Each board is a page, and README.md lists them."""
    done = _render(cli)
    assert done.code == 0
    assert sorted(done.out.splitlines()) == ["pages/README.md: written", "pages/pocket.md: written"]
    page = Path("pages/pocket.md").read_text("utf-8")
    assert "XOR-TyDi (XOR-Retrieve): R@2kt" in page and "| hashing |" in page
    assert "(pocket.md)" in Path("pages/README.md").read_text("utf-8")


def test_rendering_again_changes_nothing(cli: Cli, board: Path) -> None:
    """Boards are a function of the results: the second time nothing is written."""
    _render(cli)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path("pages").iterdir()}
    done = _render(cli)
    assert sorted(done.out.splitlines()) == ["pages/README.md: up to date", "pages/pocket.md: up to date"]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path("pages").iterdir()} == before


def test_check(cli: Cli, board: Path) -> None:
    """--check writes nothing: exit 1 while a page is missing or edited, 0 when all are what they would be."""
    assert _render(cli, "--check").code == 1 and not Path("pages").exists()
    _render(cli)
    assert _render(cli, "--check").code == 0
    page = Path("pages/pocket.md")
    edited = page.read_text("utf-8").replace("| hashing |", "| mine |")
    page.write_text(edited, "utf-8")
    done = _render(cli, "--check")
    assert done.code == 1
    assert "pages/pocket.md: differs" in done.out and "pages/README.md: up to date" in done.out
    assert page.read_text("utf-8") == edited


def test_json(cli: Cli, board: Path) -> None:
    """--json lists all pages, and those that changed."""
    assert _render(cli, "--json").json() == {
        "pages": ["pages/pocket.md", "pages/README.md"],
        "changed": ["pages/pocket.md", "pages/README.md"],
    }
    assert _render(cli, "--json").json()["changed"] == []


def test_partial_results_are_refused(cli: Cli, board: Path) -> None:
    """A result of --limit in a board's folder is refused by name, and no page is written."""
    cli("run", "-e", "hashing", "-t", "xor-tydi/te", "--limit", 2, "--output", board)
    done = _render(cli)
    assert (done.code, done.out) == (4, "")
    assert "hashing on xor-tydi was run with --limit" in done.err
    assert not Path("pages").exists()


def test_damaged_results_are_refused(cli: Cli, board: Path) -> None:
    """A file that is no result is refused by its path."""
    (board / "broken.json").write_text("{", "utf-8")
    done = _render(cli)
    assert done.code == 4 and "results/pocket/broken.json: not a result of this schema" in done.err


def test_nothing_to_show(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without results is exit 5; HARNESS_RESULTS names the folder."""
    monkeypatch.setenv("HARNESS_RESULTS", "empty")
    done = cli("leaderboard", "--output", "pages")
    assert (done.code, done.out) == (5, "")
    assert "empty: no results in any folder below it" in done.err

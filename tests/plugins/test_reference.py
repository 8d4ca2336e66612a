"""The reference of the hooks: complete, or an error; and what is committed is what the code says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from harness.plugins import hookspecs, reference


@dataclass(frozen=True)
class Told:
    """A declaration."""

    name: str
    """What it is called."""
    size: int = 3
    """How large it is,
    in metres."""


@dataclass(frozen=True)
class Untold:
    """A declaration with a field that nobody describes."""

    name: str
    """What it is called."""
    size: int = 3


def harness_told() -> Iterable[Told]:  # type: ignore[empty-body]
    """Declare."""


def harness_untold() -> Iterable[Untold]:  # type: ignore[empty-body]
    """Declare."""


def harness_mute() -> Iterable[Told]:  # type: ignore[empty-body]  # noqa: D103
    ...


def harness_asks(colour: str, size: int) -> Iterable[Told]:  # type: ignore[empty-body]
    """Declare something of a `colour`."""


def test_pages_are_up_to_date(repository: Path) -> None:
    """A hook or a field that changed without its page fails here: `python -m harness.plugins.reference docs/hooks`."""
    folder = repository / "docs" / "hooks"
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == reference.pages()


def test_the_command_writes_them(tmp_path: Path, repository: Path) -> None:
    """The command in each page's first line gives the pages."""
    command = (repository / "docs" / "hooks" / "README.md").read_text("utf-8").splitlines()[0]
    assert "`python -m harness.plugins.reference docs/hooks`" in command
    done = subprocess.run(
        [sys.executable, "-m", "harness.plugins.reference", "docs/hooks"], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "docs" / "hooks").iterdir()} == reference.pages()


def test_every_hook_has_a_page() -> None:
    """What pluggy takes for a specification is in the reference, with each field of what it returns."""
    specified = {name for name, value in vars(hookspecs).items() if hasattr(value, "lamir_harness_spec")}
    assert set(reference.hooks()) == specified == {name.removesuffix(".md") for name in reference.pages()} - {"README"}
    for name, function in reference.hooks().items():
        (spec,) = get_args(get_type_hints(function)["return"])
        page = reference.page(name, function)
        assert f"def {name}() -> Iterable[{spec.__name__}]" in page
        for field in fields(spec):
            assert f"| `{field.name}` | `" in page


def test_page_says_type_default_and_meaning() -> None:
    """A field's row, from its annotation, its default, and the words below it."""
    page = reference.page("harness_told", harness_told)
    assert "| `name` | `str` | required | What it is called. |" in page
    assert "| `size` | `int` | `3` | How large it is, in metres. |" in page
    assert "    return [Told(name=…)]" in page


@pytest.mark.parametrize(
    ("hook", "error"),
    [
        (harness_untold, "Untold.size has no docstring below it"),
        (harness_mute, "harness_mute has no docstring"),
        (harness_asks, "says nothing of the argument `size`"),
    ],
)
def test_what_is_not_documented_is_an_error(hook: object, error: str) -> None:
    """A field, a hook or an argument without a word stops the generation, and so fails the test above."""
    with pytest.raises(ValueError, match=error):
        reference.page(hook.__name__, hook)  # type: ignore[attr-defined, arg-type]


def test_literals_are_spelt_out() -> None:
    """A field that takes one of some words names them."""
    page = reference.pages()["harness_encoders.md"]
    assert "| `kind` | `'encoder' \\| 'searcher' \\| 'reranker'` | `'encoder'` |" in page

"""The README against the code."""

from __future__ import annotations

import re
from pathlib import Path

from harness_bm25.analysis import Analysis
from harness_bm25.languages import SNOWBALL
from harness_bm25.plugin import Bm25Options
from harness_bm25.table import markdown

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_languages_is_the_codes() -> None:
    """`python -m harness_bm25.table` prints what the README has."""
    assert f"\n{markdown()}\n" in README


def test_every_option_is_there_with_its_default() -> None:
    """Name and default of each option, and no option besides."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", README, re.MULTILINE))
    defaults = {name: field.default for name, field in Bm25Options.model_fields.items()}
    assert rows == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()
    }


def test_the_table_says_what_is_done() -> None:
    """A language with stems changes an ending that the same letters keep without; one without stems does not."""
    for row in markdown().splitlines()[2:-1]:
        language, _, stems, _ = (cell.strip() for cell in row.strip("|").split("|"))
        assert (stems != "no") == (language in SNOWBALL)
        assert Analysis(language, Bm25Options()).stemmed == (stems != "no")

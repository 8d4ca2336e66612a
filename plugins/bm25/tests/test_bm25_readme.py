"""The README against the code."""

from __future__ import annotations

from pathlib import Path

from harness_bm25.analysis import Analysis
from harness_bm25.languages import SNOWBALL
from harness_bm25.plugin import Bm25Options
from harness_bm25.table import markdown

from harness.testing import options_table

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_languages_is_the_codes() -> None:
    """`python -m harness_bm25.table` prints what the README has."""
    assert f"\n{markdown()}\n" in README


def test_every_option_is_there_with_its_default() -> None:
    """The table of options is the schema's."""
    assert options_table(Bm25Options) in README


def test_the_table_says_what_is_done() -> None:
    """A language with stems changes an ending that the same letters keep without; one without stems does not."""
    for row in markdown().splitlines()[2:-1]:
        language, _, stems, _ = (cell.strip() for cell in row.strip("|").split("|"))
        assert (stems != "no") == (language in SNOWBALL)
        assert Analysis(language, Bm25Options()).stemmed == (stems != "no")

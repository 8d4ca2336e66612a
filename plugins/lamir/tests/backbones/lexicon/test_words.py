"""Words in every script: folding, pieces, and the cutting of runs against all cuts there are."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import pytest
import regex
from harness_lamir.backbones.lexicon.words import FIRST_UNSPACED, Segmenter, fold, ideograph, pieces, unspaced
from hypothesis import example, given
from hypothesis import strategies as st

SCRIPTS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" … 👍🏽 — !? ", []),
        ("The river's 2nd bridge", ["the", "river", "s", "2nd", "bridge"]),
        ("ＦＵＬＬ ﬁne Ⅻ", ["full", "fine", "xii"]),
        ("كِتَابٌ إلى مدينة", ["كتاب", "الي", "مدينه"]),
        ("שָׁלוֹם עולם", ["שלום", "עולם"]),
        ("ΟΔΟΣ Straße", ["οδος", "straße"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("a\x00b\ud800c\u200fd👍e", ["a", "b", "c", "d", "e"]),
        ("٣٤ 1970", ["٣٤", "1970"]),
    ],
)
def test_words_of_spaced_scripts(text: str, words: list[str]) -> None:
    """Case, width, vowel signs and kinds of alef make no difference; what is no letter or digit parts words."""
    assert Segmenter(set())(text) == words


@given(st.text(max_size=20))
@example("Å ệ ガ ﷲ é ٱلْكِتَابُ İ ǰ 각")
def test_composed_and_decomposed_are_one(text: str) -> None:
    """All normal forms of a text are folded alike."""
    assert len({fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")} | {fold(text)}) == 1


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_ascii_takes_a_short_cut(text: str) -> None:
    """It gives what the long way gives: an ideograph at the end forces that."""
    assert fold(text) + "京" == fold(text + "京")
    assert [*pieces(fold(text)), ("京", True)] == pieces(fold(text) + "…京")


def test_no_unspaced_script_comes_before_the_first() -> None:
    """Whoever skips words below that character skips none of these scripts."""
    found = [code for code in range(sys.maxunicode + 1) if SCRIPTS.match(chr(code))]
    assert chr(min(found)) == FIRST_UNSPACED
    assert all(unspaced(chr(code)) == ideograph(chr(code)) for code in found)


def test_runs_are_marked() -> None:
    """A run ends where the script does; spaced letters and digits beside it stay whole."""
    assert pieces("ab東京タワー12 สวัสดี") == [("ab", False), ("東京タワー", True), ("12", False), ("สวัสดี", True)]
    assert pieces("ab12é") == [("ab12é", False)]


@given(st.lists(st.text("東京สab1 é", max_size=6), max_size=4).map(" ".join))
def test_no_letter_is_lost(text: str) -> None:
    """Put together, pieces are the letters and digits of the text, in order."""
    assert "".join(piece for piece, _ in pieces(text)) == text.replace(" ", "")


def cuts(run: str) -> Iterator[list[str]]:
    """Yield every way to cut a run."""
    if not run:
        yield []
    for stop in range(1, len(run) + 1):
        yield from ([run[:stop], *rest] for rest in cuts(run[stop:]))


@given(st.text("日本人ส", min_size=1, max_size=9), st.sets(st.text("日本人ส", min_size=1, max_size=4), max_size=8))
def test_a_run_is_cut_at_least_cost(run: str, lexicon: set[str]) -> None:
    """A word costs 1 and a character outside of words 3: no cut of all there are is cheaper."""

    def cost(parts: list[str]) -> int:
        return sum(1 if part in lexicon else 3 * len(part) for part in parts)

    found = Segmenter(lexicon)(run)
    assert "".join(found) == run
    assert cost(found) == min(map(cost, cuts(run)))
    listed = [part in lexicon for part in found]
    assert not any(not one and not two for one, two in pairwise(listed))  # strangers stay together


def test_of_equal_costs_the_longer_word_comes_first() -> None:
    """Cutting goes from left to right where both ways cost the same."""
    assert Segmenter({"日本", "人", "日", "本人"})("日本人") == ["日本", "人"]
    assert Segmenter({"東京", "京都"})("東京都庁") == ["東京", "都庁"]


def test_long_runs_take_no_time() -> None:
    """The cost grows with the length of a run, not with its square."""
    words = Segmenter({"東京", "京"})("東京" * 20_000)
    assert words == ["東京"] * 20_000

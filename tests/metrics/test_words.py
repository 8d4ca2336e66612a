"""The word tokenizer equals NLTK's, without NLTK's data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nltk
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.metrics.words import word_tokenize

TRICKY = [
    "Dr. Smith of St. Mary's met Mr. Jones at 5 p.m. on Jan. 3. They left.",
    "The U.S. Army, i.e. the land force, lost. The end.",
    'He said: "I\'m here." She said "no."',
    "Wait... what? No!! Yes?! (Really.)",
    "It cost $5.5 million, or 3.2% of the total; see p. 12.",
    "e.g. this, and so on etc. And then J. R. R. Tolkien wrote it.",
    "“Curly quotes” and ‘single’ ones – with dashes—long.",
    "can't won't they'd gonna cannot wanna d'ye more'n",
    "a.b.c 192.168.0.1 http://example.org/a?b=c user@example.org",
    "''already tokenized'' ``quotes''",
    "Line one.\nLine two.\n\nParagraph two.",
    "",
    " ",
    "...",
    "尼罗河向北流入地中海。 নীল নদ।",
    "ends with abbreviation Corp.",
    "No. 5 is alive. No. It is not.",
    "\x00 \ufeff \u200b",
]


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_sentences(text: str, punkt_tab: Path) -> None:
    """Abbreviations, quotes, ellipses, contractions, numbers: token by token as nltk.word_tokenize."""
    assert word_tokenize(text) == nltk.word_tokenize(text)


def test_real_passages(real_passages: Callable[[int], list[str]]) -> None:
    """All English paragraphs of XQuAD are cut as NLTK cuts them."""
    passages = real_passages(240)
    assert len(passages) == 240
    assert [word_tokenize(passage) for passage in passages] == [nltk.word_tokenize(passage) for passage in passages]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(
        st.sampled_from(["Dr.", "U.S.", "He", "he", "...", '"', "'s", "$5.5", ".", "?", "No.", "5", " "])
    ).map(" ".join)
)
def test_any_mixture(text: str, punkt_tab: Path) -> None:
    """Any sequence of awkward pieces is cut as NLTK cuts it."""
    assert word_tokenize(text) == nltk.word_tokenize(text)


def test_the_sentence_model_matters(punkt_tab: Path) -> None:
    """Sentences are split first: a full stop inside stays where the model knows an abbreviation, and goes elsewhere."""
    assert word_tokenize("He met Dr. Smith.") == ["He", "met", "Dr.", "Smith", "."]
    assert word_tokenize("It ended. Then it began.") == ["It", "ended", ".", "Then", "it", "began", "."]


def test_works_without_nltk_data(tmp_path: Path) -> None:
    """With no NLTK data anywhere and no network the tokens are the same, where NLTK itself gives up."""
    code = (
        "import nltk, socket\n"
        "def refuse(*args, **kwargs): raise OSError('no network')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        f"nltk.data.path = [{str(tmp_path)!r}]\n"
        "try:\n"
        "    nltk.word_tokenize('Dr. Smith left.')\n"
        "except LookupError:\n"
        "    from harness.metrics.words import word_tokenize\n"
        "    print(word_tokenize('Dr. Smith left. He met Mrs. Jones.'))\n"
    )
    environment = {**os.environ, "NLTK_DATA": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(["Dr.", "Smith", "left", ".", "He", "met", "Mrs.", "Jones", "."])

"""NLTK's word tokenizer without its download: `nltk.word_tokenize` for English, from tables that ship here."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any


def word_tokenize(text: str) -> list[str]:
    """The tokens `nltk.word_tokenize(text)` gives: Punkt sentences, each cut by the Penn Treebank rules."""
    sentences, words = _tokenizers()
    return [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]


@cache
def _tokenizers() -> tuple[Any, Any]:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = {row[0] for row in _table("abbrev_types.txt")}
    parameters.sent_starters = {row[0] for row in _table("sent_starters.txt")}
    parameters.collocations = {(row[0], row[1]) for row in _table("collocations.tab")}
    for word, flags in _table("ortho_context.tab"):
        parameters.ortho_context[word] = int(flags)
    sentences = PunktSentenceTokenizer()
    sentences._params = parameters  # private, and the attribute NLTK's own loader sets
    return sentences, NLTKWordTokenizer()


def _table(name: str) -> list[list[str]]:
    """The tab-separated rows of one of the model's four tables."""
    text = (files("harness.metrics") / "punkt_english" / name).read_text("utf-8")
    return [line.split("\t") for line in text.split("\n") if line]

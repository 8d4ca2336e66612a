"""NLTK's word tokenizer without its download: `nltk.word_tokenize` for English, from tables that ship here."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import Any


def word_tokenize(text: str) -> list[str]:
    """The tokens `nltk.word_tokenize(text)` gives: Punkt sentences, each cut by the Penn Treebank rules."""
    sentences, words = _tokenizers()
    return [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]


@cache
def _tokenizers() -> tuple[Any, Any]:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer, load_punkt_params

    sentences = PunktSentenceTokenizer()
    with as_file(files("harness.metrics") / "punkt_english") as folder:
        # The attribute is private, and is what NLTK's own PunktTokenizer.load_lang sets.
        sentences._params = load_punkt_params(str(folder))
    return sentences, NLTKWordTokenizer()

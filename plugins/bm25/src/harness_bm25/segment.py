"""Words of scripts that are written without spaces: by dictionary for Thai, by pairs of characters for the others.

What a run of characters is cut by is told by its script and not by the language of the text, so that a Japanese name
in an English text, or an English one in a Thai text, is cut the same way in queries and passages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import regex

Segmenter = Callable[[str], list[str]]

_KANA_OR_HAN = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc"  # the mark of a long vowel belongs to no script
_UNSPACED = regex.compile(rf"[{_KANA_OR_HAN}\p{{Hangul}}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]")
_RUN = regex.compile(
    rf"(?P<han>(?:[{_KANA_OR_HAN}]\p{{M}}*+)+)"
    r"|(?P<hangul>(?:\p{Hangul}\p{M}*+)+)"
    r"|(?P<thai>\p{Thai}[\p{Thai}\p{M}]*)"
    r"|(?P<clusters>[\p{Lao}\p{Khmer}\p{Myanmar}][\p{Lao}\p{Khmer}\p{Myanmar}\p{M}]*)"
    rf"|(?P<word>[^{_KANA_OR_HAN}\p{{Hangul}}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]+)"
)
_CLUSTER = regex.compile(r"\X")
#: What may be one cluster with its neighbour: marks, the parts of a Hangul syllable, and the scripts of the south-east.
_CLUSTERED = regex.compile(r"[\p{M}\p{Lao}\p{Khmer}\p{Myanmar}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")


def is_unspaced(text: str) -> bool:
    """True where `text` holds a character of a script that is written without spaces."""
    return _UNSPACED.search(text) is not None


def runs(word: str) -> Iterator[tuple[str, str]]:
    """(kind, run) for each stretch of one kind of script: han (with kana), hangul, thai, clusters, or word."""
    for found in _RUN.finditer(word):
        yield found.lastgroup or "word", found[0]


def bigrams(run: str) -> list[str]:
    """Every two neighbouring characters of `run`, marks included with theirs; a single character stays as it is."""
    units: Sequence[str] = _CLUSTER.findall(run) if _CLUSTERED.search(run) else run
    return [run] if len(units) < 2 else [left + right for left, right in pairwise(units)]


@cache
def thai() -> Segmenter:
    """newmm, PyThaiNLP's maximal matching against the dictionary it ships with."""
    # Importing the library makes a folder in the user's home, which nothing here needs.
    ours = not {"PYTHAINLP_READ_ONLY", "PYTHAINLP_READ_MODE"} & os.environ.keys()
    if ours:
        os.environ["PYTHAINLP_READ_ONLY"] = "1"
    try:
        from pythainlp.tokenize.newmm import segment
    finally:
        if ours:
            del os.environ["PYTHAINLP_READ_ONLY"]
    newmm: Segmenter = segment
    return newmm


@cache
def fugashi(dictionary_form: bool) -> Segmenter:
    """MeCab with UniDic (fugashi, unidic-lite); words as they stand, or in the spelling of the dictionary form."""
    import fugashi as library

    tagger: Any = library.Tagger()

    def segment(run: str) -> list[str]:
        found = tagger(run)
        if not dictionary_form:
            return [node.surface for node in found]
        return [getattr(node.feature, "orthBase", None) or node.surface for node in found]

    return segment


@cache
def kiwi() -> Segmenter:
    """Morphemes of Korean (kiwipiepy)."""
    from kiwipiepy import Kiwi

    analyser: Any = Kiwi(num_workers=1)

    def segment(run: str) -> list[str]:
        return [token.form for token in analyser.tokenize(run)]

    return segment

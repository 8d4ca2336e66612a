"""The analysis of a language: from a text to the tokens that are counted."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness_bm25 import segment
from harness_bm25.languages import DOTLESS, SNOWBALL, STOPWORDS, base
from harness_bm25.plugin import Bm25Options
from harness_bm25.text import words

if TYPE_CHECKING:
    from harness_bm25.segment import Segmenter


class Analysis:
    """Tokens of texts in one language; None, or one that nothing is known of, is analysed by script alone.

    `language` is its tag without script and region, `stemmed` tells whether words are stemmed.
    """

    def __init__(self, language: str | None, options: Bm25Options) -> None:
        self.language = base(language)
        self._options = options
        self._dotless = self.language in DOTLESS
        self.stemmed = options.stemming and self.language in SNOWBALL
        self._segmenters: dict[str, Segmenter] = {"clusters": segment.bigrams, "han": segment.bigrams}
        self._segmenters["hangul"] = segment.bigrams
        if self.language == "ja" and options.ja == "fugashi":
            self._segmenters["han"] = segment.fugashi(options.stemming)
        if self.language == "ko" and options.ko == "kiwi":
            self._segmenters["hangul"] = segment.kiwi()

    def tokens(self, text: str) -> list[str]:
        """The tokens of `text`; none for a text without letters and digits. Their order means nothing."""
        plain, cut = words(text, dotless=self._dotless), list[str]()
        if segment.is_unspaced(text):
            plain, cut = self._cut(plain)
        if self._stopwords:
            plain = [word for word in plain if word not in self._stopwords]
            cut = [word for word in cut if word not in self._stopwords]
        if self.stemmed and plain:
            plain = self._stemmer.stemWords(plain)
        return plain + cut if cut else plain

    def _cut(self, found: list[str]) -> tuple[list[str], list[str]]:
        """Words of scripts with spaces, and what the runs of the others are cut into."""
        plain, cut = list[str](), list[str]()
        for word in found:
            if not segment.is_unspaced(word):
                plain.append(word)
                continue
            for kind, run in segment.runs(word):
                if kind == "word":
                    plain.append(run)
                else:
                    cut.extend(self._segmenter(kind)(run))
        return plain, cut

    def _segmenter(self, kind: str) -> Segmenter:
        if kind not in self._segmenters:
            self._segmenters[kind] = segment.thai()  # read from the disk where there is Thai, and only there
        return self._segmenters[kind]

    @cached_property
    def _stemmer(self) -> Any:
        import Stemmer

        return Stemmer.Stemmer(SNOWBALL[self.language or ""])

    @cached_property
    def _stopwords(self) -> frozenset[str]:
        if not self._options.stopwords or self.language not in STOPWORDS:
            return frozenset()
        from bm25s import stopwords

        entries = getattr(stopwords, STOPWORDS[self.language])
        return frozenset(word for entry in entries for word in words(entry, dotless=self._dotless))

"""Text to feature ids: subword tokens, and character n-grams of the romanised words.

A text is cut at whitespace, and every word yields two kinds of features:

1. the **tokens** of a subword tokenizer, which know the word as it is written;
2. the **n-grams** of its romanised form: ``anyascii`` spells every script in ASCII, lowercased and
   framed by the boundary markers ``<`` and ``>``, once whole and once with its consonants alone.
   They let "Москва", "Moskva" and "Moscow" share features, which no tokenizer would, and they
   carry names and loans from script to script.

The n-grams are hashed into a fixed number of buckets rather than looked up in a list: a list would
know the frequent ones only, and the rare ones are those that tell one name from another. The ids:

    0 [PAD]   1 [EMPTY]   2 [UNK]   3 … T−1 tokens   T … V−1 buckets

A word's features depend on the word alone, so they are cached, and encoding mostly costs a
dictionary lookup per word. A text without any feature gets the single id [EMPTY].
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from harness_lamir.backbones.romanised import ngrams_of, romanise, skeleton_ngrams_of
from harness_lamir.backbones.vocabulary import train_tokenizer

__all__ = ["EMPTY", "PAD", "UNK", "FeatureConfig", "FeatureExtractor"]

PAD, EMPTY, UNK = 0, 1, 2
_SPECIAL = ["[PAD]", "[EMPTY]", "[UNK]"]
_SURROGATES = re.compile("[\ud800-\udfff]")
_CACHED_WORDS = 500_000
_CACHED_LENGTH = 32  # longer words are unsegmented sentences, seldom seen twice

TOKENIZER_FILE = "tokenizer.json"
FEATURES_FILE = "features.json"


@dataclass(frozen=True)
class FeatureConfig:
    """What is read from a text.

    Attributes:
        ngram_min: the shortest n-gram, in characters, boundary markers included.
        ngram_max: the longest.
        ngram_buckets: how many ids the n-grams share; 0 for none.
        max_characters: characters of a text that are read; the rest is ignored.
        max_features: features of a text that are kept; the rest is ignored.
    """

    ngram_min: int = 3
    ngram_max: int = 5
    ngram_buckets: int = 16_000
    max_characters: int = 20_000
    max_features: int = 8_192


class FeatureExtractor:
    """Maps texts to feature ids; made by `train` or `load`.

    Args:
        tokenizer: a tokenizer that treats every word by itself, with `[PAD]`, `[EMPTY]` and
            `[UNK]` as its ids 0, 1 and 2. The buckets of the n-grams follow its last id.
        config: what is read from a text.
    """

    def __init__(self, tokenizer: Tokenizer, config: FeatureConfig) -> None:
        """Keep the vocabulary; see the class for the arguments."""
        self.tokenizer = tokenizer
        self.config = config
        self.tokens: int = tokenizer.get_vocab_size()  # ids below are tokens, from here on buckets
        self.size = self.tokens + config.ngram_buckets
        self._cache: dict[str, tuple[int, ...]] = {}

    def __call__(self, text: str) -> list[int]:
        """Return the feature ids of a text: at least one, at most ``config.max_features``."""
        return [feature for word in self.words(text) for feature in word]

    def words(self, text: str) -> list[tuple[int, ...]]:
        """Return the same ids, word by word; words without features are left out."""
        text = _SURROGATES.sub(" ", text[: self.config.max_characters])
        found: list[tuple[int, ...]] = []
        room = self.config.max_features
        for word in text.split():
            ids = self._cache.get(word)
            if ids is None:
                ids = self._word(word)
            if ids:
                found.append(ids[:room])
                room -= len(ids)
                if room <= 0:
                    break
        return found or [(EMPTY,)]

    def _word(self, word: str) -> tuple[int, ...]:
        """Return the ids of a word, and remember them."""
        ids = [token for token in self.tokenizer.encode(word).ids if token != UNK]
        config = self.config
        if config.ngram_buckets:
            ids += [
                self.tokens + zlib.crc32(ngram.encode()) % config.ngram_buckets
                for piece in romanise(word)
                for ngram in [
                    *ngrams_of(piece, config.ngram_min, config.ngram_max),
                    *skeleton_ngrams_of(piece, config.ngram_min),
                ]
            ]
        if len(word) <= _CACHED_LENGTH:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            self._cache[word] = tuple(ids)
        return tuple(ids)

    @classmethod
    def train(cls, texts: Iterable[str], *, tokens: int, config: FeatureConfig) -> FeatureExtractor:
        """Learn a vocabulary of subword tokens.

        Args:
            texts: the texts to learn from; their order does not matter.
            tokens: how many tokens at most, the three special ones included.
            config: what is read from a text.

        Returns:
            An extractor whose ids follow from the texts and the arguments alone.
        """
        words: Counter[str] = Counter()
        for text in texts:
            words.update(_fold(_SURROGATES.sub(" ", text[: config.max_characters])).split())
        return cls(_train_tokenizer(words, tokens), config)

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and ``features.json`` into a folder that exists."""
        (folder / TOKENIZER_FILE).write_text(self.tokenizer.to_str(), encoding="utf-8")
        content = json.dumps(asdict(self.config), indent=1)
        (folder / FEATURES_FILE).write_text(content + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FeatureExtractor:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: one of the two files is missing.
            ValueError: one of them is not what `save` writes.
        """
        try:
            tokenizer = Tokenizer.from_str((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise
        except Exception as error:  # tokenizers raises bare Exception
            raise ValueError(f"{folder / TOKENIZER_FILE} is no tokenizer: {error}") from error
        path = folder / FEATURES_FILE
        try:
            return cls(tokenizer, FeatureConfig(**json.loads(path.read_text(encoding="utf-8"))))
        except TypeError as error:
            raise ValueError(f"{path} is not a feature file of lamir: {error}") from error


def _fold(text: str) -> str:
    """Return the text as the tokenizer's own normaliser sees it."""
    return unicodedata.normalize("NFKC", text).lower()


def _train_tokenizer(words: Counter[str], size: int) -> Tokenizer:
    """Train a byte-pair tokenizer on counted words; a word never depends on its neighbours.

    Words with a character outside the alphabet are left to their n-grams.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=_SPECIAL[UNK]))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("removed"),
            pre_tokenizers.Metaspace(),
        ]
    )
    return train_tokenizer(tokenizer, words, size, _SPECIAL)

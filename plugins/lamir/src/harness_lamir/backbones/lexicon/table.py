"""The lexicon: every word of every language, spelt in English stems.

    fluss → river .67, flux .33        città → city .84, town .07        cities → city 1

The mixtures of a foreign word are its translation probabilities (`alignment`), those of an English word its own stem.
A word that several languages write alike ("die") mixes what it means in each. A word that is not listed borrows from
its neighbours: the listed words with which it shares the longest beginning, or what is left without a short prefix.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from nltk.stem.snowball import SnowballStemmer
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from harness.errors import UsageError
from harness_lamir.backbones.lexicon.alignment import model_one
from harness_lamir.backbones.lexicon.spelling import Spelling
from harness_lamir.backbones.lexicon.words import FIRST_UNSPACED, Segmenter, fold, ideograph, pieces, unspaced
from harness_lamir.data.rows import Translation

__all__ = ["Lexicon", "Mixture", "build_lexicon", "english_stems"]

#: English stems by number, with their weights.
Mixture = tuple[NDArray[np.int64], NDArray[np.float32]]

_WORDS, _STEMS, _MIXTURES = "words.txt.gz", "stems.txt.gz", "lexicon.safetensors"
_COPY = "Copy the whole folder."
_NOTHING: Mixture = (np.zeros(0, np.int64), np.zeros(0, np.float32))
_TRUSTED = 20.0  # occurrences beyond which more say no more
_ENGLISH = 3.0  # how much more an English meaning counts than a foreign one of the same spelling
_PREFIX = 3  # characters of a prefix that is dropped, at most,
_SHARED = 4  # and of what is left, at least
_LONGEST_STEM, _SHORTEST_STEM = 8, 3  # characters that a word and its neighbours begin with alike
_AGREED = 0.1  # the smallest weight in a mean of neighbours


class Lexicon:
    """Words to mixtures of English stems. Nothing changes one, so that a copy is the same object.

    Args:
        words: distinct, sorted by code point.
        stems: the English stems, each as the commonest word that has it; a stem's number is its place.
        starts: (W + 1,) int64; the mixture of word i is at starts[i] … starts[i + 1].
        members: (n,) int64 numbers of stems.
        weights: (n,) float32, positive; those of a word add up to 1.

    Attributes:
        spelling: words to ids and back.
        segment: cuts texts into words.
    """

    def __init__(
        self,
        words: Sequence[str],
        stems: Sequence[str],
        starts: NDArray[np.int64],
        members: NDArray[np.int64],
        weights: NDArray[np.float32],
    ) -> None:
        """Keep the lists; see the class."""
        self.words = list(words)
        self.stems = list(stems)
        self._numbers: Mapping[str, int] = dict(zip(self.words, range(len(self.words)), strict=True))
        self._starts, self._members, self._weights = starts, members, weights
        self.spelling = Spelling(self.words, self._numbers)
        later = self.words[bisect_left(self.words, FIRST_UNSPACED) :]  # few of all: looking at each takes its time
        self.segment = Segmenter({word for word in later if unspaced(word)})

    def __len__(self) -> int:
        """How many words are listed."""
        return len(self.words)

    def __deepcopy__(self, memo: object) -> Self:
        """Return the lexicon itself: momentum encoders copy backbones, and there are many words."""
        return self

    def mixture(self, word: str) -> Mixture:
        """Return the mixture of a folded word: its own, a borrowed one, or an empty one."""
        number = self._numbers.get(word)
        if number is not None:
            return self._entry(number)
        return self._borrowed(word)

    def _entry(self, number: int) -> Mixture:
        start, stop = self._starts[number], self._starts[number + 1]
        return self._members[start:stop], self._weights[start:stop]

    def _borrowed(self, word: str) -> Mixture:
        """Guess the mixture of a word that is not listed."""
        if any(character.isdigit() for character in word):
            return _NOTHING  # a number resembles other numbers, and means none of them
        for length in range(1, _PREFIX + 1):
            if len(word) - length >= _SHARED and (number := self._numbers.get(word[length:])) is not None:
                return self._entry(number)
        for length in range(min(_LONGEST_STEM, len(word) - 1), _SHORTEST_STEM - 1, -1):
            neighbours = self._beginning_with(word[:length])
            if neighbours:
                return self._blend(neighbours)
        return _NOTHING

    def _beginning_with(self, beginning: str) -> range:
        """Return the numbers of the words that begin so."""
        last = bisect_left(self.words, beginning + chr(sys.maxunicode))
        return range(bisect_left(self.words, beginning), last)

    def _blend(self, numbers: range) -> Mixture:
        """Return the mean of the mixtures of neighbours, without what few of them hold."""
        start, stop = self._starts[numbers.start], self._starts[numbers.stop]
        members, first, places = np.unique(self._members[start:stop], return_index=True, return_inverse=True)
        means = np.bincount(places, self._weights[start:stop].astype(np.float64) / len(numbers))
        order = np.argsort(first)
        total = dict(zip(members[order].tolist(), means[order].tolist(), strict=True))
        kept = _trim(total, len(total), _AGREED)
        return np.array(list(kept), np.int64), np.array(list(kept.values()), np.float32)

    def save(self, folder: Path) -> None:
        """Write words and stems as gzipped lists and the mixtures as safetensors into a folder that exists."""
        for name, lines in ((_WORDS, self.words), (_STEMS, self.stems)):
            content = "".join(f"{line}\n" for line in lines).encode()
            (folder / name).write_bytes(gzip.compress(content, mtime=0))
        arrays: dict[str, NDArray[Any]] = {
            "lengths": np.diff(self._starts).astype(np.uint8),
            "stems": self._members.astype(np.uint16),
            "weights": self._weights.astype(np.float16),
        }
        save_file(arrays, folder / _MIXTURES)

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """Read what `save` wrote; raises UsageError where a file is missing or broken or does not fit the others."""
        words, stems = (_read_lines(folder / name) for name in (_WORDS, _STEMS))
        path = folder / _MIXTURES
        try:
            arrays = load_file(path)
            lengths, members, weights = arrays["lengths"], arrays["stems"], arrays["weights"]
        except (OSError, KeyError, SafetensorError) as error:
            raise UsageError(f"{path}: cannot be read ({error})", hint=_COPY) from error
        if [array.dtype.name for array in (lengths, members, weights)] != ["uint8", "uint16", "float16"]:
            raise UsageError(f"{path}: holds numbers of other types than a lexicon's", hint=_COPY)
        if (
            lengths.shape != (len(words),)
            or members.shape != weights.shape
            or members.shape != (int(lengths.sum()),)
            or members.max(initial=0) >= max(1, len(stems))
        ):
            raise UsageError(
                f"model {folder}: words, stems and mixtures do not fit each other",
                hint="Its files come from different runs; train again, or copy the whole folder.",
            )
        if any(word >= following for word, following in pairwise(words)):
            raise UsageError(f"{folder / _WORDS}: the words are not in order, or one comes twice", hint=_COPY)
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(words, stems, starts, members.astype(np.int64), weights.astype(np.float32))


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a gzipped list."""
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read ({error})", hint=_COPY) from error


def english_stems(text: str) -> list[str]:
    """Return the stems of an English text (Snowball's English stemmer, also known as Porter 2)."""
    return [_stem(word) for word, _ in pieces(fold(text))]


def build_lexicon(
    translations: Iterable[Translation],
    english: Iterable[str],
    *,
    max_stems: int,
    max_members: int = 4,
    least: float = 0.05,
    iterations: int = 8,
) -> tuple[Lexicon, NDArray[np.float64]]:
    """Make a lexicon of translations and of English text.

    Args:
        translations: pairs of words, phrases and sentences.
        english: English text, whose words are listed under their stems.
        max_stems: stems that are kept, the frequent ones first.
        max_members: stems in a mixture.
        least: the smallest weight in a mixture.
        iterations: rounds of `model_one`.

    Returns:
        The lexicon, and the inverse document frequency of each of its stems.

    Raises:
        UsageError: there is no translation, or no English word.
    """
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in translations:
        pairs[row.language].append((row.english, row.other))
    if not pairs:
        raise UsageError("backbone lexicon: the recipe has no stream of kind parallel, or it is empty")
    texts = dict.fromkeys([*english, *(left for rows in pairs.values() for left, _ in rows)])
    documents: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    for text in texts:
        words = [word for word, _ in pieces(fold(text))]
        forms.update(words)
        documents.update({_stem(word) for word in words})
    if not documents:
        raise UsageError("backbone lexicon: the English sides of the recipe's parallel text hold no word")
    ranked = sorted(documents, key=lambda stem: (-documents[stem], stem))[:max_stems]
    numbers = {stem: number for number, stem in enumerate(ranked)}
    entries: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for word, count in forms.items():
        if (number := numbers.get(_stem(word))) is not None:
            entries[word][number] += _ENGLISH * min(count, _TRUSTED) ** 0.5
    for language in sorted(pairs):
        for word, found in _translated(pairs[language], numbers, iterations).items():
            for number, weight in found.items():
                entries[word][number] += weight
    shown = _commonest_forms(ranked, forms)
    mixtures = {word: _trim(entries[word], max_members, least) for word in sorted(entries)}
    idf = np.log((len(texts) + 1.0) / (np.array([documents[stem] for stem in ranked]) + 1.0)).clip(0.05)
    return _pack(mixtures, shown), idf


def _commonest_forms(stems: Sequence[str], forms: Mapping[str, int]) -> list[str]:
    """Return the commonest word of each stem: "city" for "citi", which is no word."""
    best = {_stem(word): word for word in sorted(forms, key=lambda word: (forms[word], word))}
    return [best[stem] for stem in stems]


def _translated(
    pairs: Sequence[tuple[str, str]], numbers: Mapping[str, int], iterations: int
) -> dict[str, dict[int, float]]:
    """Return the stems of each word of a language, weighted by probability and by how well the word is known."""
    segment = Segmenter(_unspaced_words(other for _, other in pairs))
    vocabulary: dict[str, int] = {}
    stems: dict[str, int] = {}
    foreign = [[vocabulary.setdefault(word, len(vocabulary)) for word in segment(other)] for _, other in pairs]
    english = [[stems.setdefault(stem, len(stems)) for stem in english_stems(left)] for left, _ in pairs]
    if not any(f and e for f, e in zip(foreign, english, strict=True)):
        return {}
    found = model_one(foreign, english, iterations=iterations)
    words, meanings = list(vocabulary), list(stems)
    entries: dict[str, dict[int, float]] = defaultdict(dict)
    kept = found.probability >= 0.03
    for f, e, t in zip(found.foreign[kept], found.english[kept], found.probability[kept], strict=True):
        number = numbers.get(meanings[e])
        if number is not None:
            entries[words[f]][number] = float(t) * min(found.counts[f], _TRUSTED) ** 0.5
    return entries


def _unspaced_words(texts: Iterable[str]) -> set[str]:
    """Return what runs of unspaced script are cut into: those that stand alone in an entry, and single ideographs."""
    words: set[str] = set()
    for text in texts:
        found = pieces(fold(text))
        runs = [piece for piece, run in found if run]
        if len(found) == 1 and runs and unspaced(runs[0]):
            words.add(runs[0])
        for run in runs:
            words.update(character for character in run if ideograph(character))
    return words


def _trim(entry: Mapping[int, float], size: int, least: float) -> dict[int, float]:
    """Keep the heaviest members of a mixture, and bring their weights to a sum of 1."""
    total = sum(entry.values())
    ranked = sorted(entry.items(), key=lambda item: (-item[1], item[0]))[:size]
    kept = [(member, weight) for member, weight in ranked if weight / total >= least] or ranked[:1]
    norm = sum(weight for _, weight in kept)
    return {member: weight / norm for member, weight in kept}


def _pack(mixtures: Mapping[str, Mapping[int, float]], stems: Sequence[str]) -> Lexicon:
    """Lay mixtures end to end."""
    lengths = [len(mixture) for mixture in mixtures.values()]
    members = np.array([member for mixture in mixtures.values() for member in mixture], np.int64)
    weights = np.array([weight for mixture in mixtures.values() for weight in mixture.values()], np.float16)
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Lexicon(list(mixtures), stems, starts, members, weights.astype(np.float32))


@lru_cache(maxsize=500_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@lru_cache(maxsize=1)
def _stemmer() -> SnowballStemmer:
    return SnowballStemmer("english")

"""Subword vocabularies that follow from their texts alone: byte-pair encoding, trained on counted words.

Nothing here depends on the order of the texts, on hash seeds or on threads: words are counted, sorted, and fed to the
trainer, and the alphabet is cut by count and then by code point, which the trainer's own limit leaves to chance.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from harness.encoders.text import without_surrogates

__all__ = ["train_tokenizer", "word_tokenizer"]

_REPETITIONS = 200  # a word is frequent beyond that, whatever its exact count
_MAX_CHARACTERS = 20_000  # of a text that are read for the vocabulary


def train_tokenizer(tokenizer: Tokenizer, words: Counter[str], size: int, special: Sequence[str]) -> Tokenizer:
    """Train a byte-pair tokenizer in place on counted words, which it must not join with their neighbours.

    At most a third of the vocabulary goes to single characters: beyond that, rare ideographs would crowd out
    everything else. Words with a character outside are left out.

    Args:
        tokenizer: a tokenizer with a `BPE` model, its normaliser and its pre-tokenizer.
        words: how often each word occurs, normalised as the tokenizer does.
        size: tokens in the vocabulary, at most.
        special: the tokens with the first ids.

    Returns:
        The same tokenizer.
    """
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), show_progress=False)
    alphabet = _alphabet(words, size // 3)
    ordered = sorted((word, times) for word, times in words.items() if alphabet.issuperset(word))
    tokenizer.train_from_iterator((" ".join([word] * min(times, _REPETITIONS)) for word, times in ordered), trainer)
    return tokenizer


def word_tokenizer(texts: Iterable[str], *, size: int, special: Sequence[str], unknown: str) -> Tokenizer:
    """Train a lowercasing tokenizer that keeps punctuation and splits at spaces and between scripts.

    Args:
        texts: the texts to learn from; their order does not matter.
        size: tokens in the vocabulary, at most.
        special: the tokens with the first ids, `unknown` among them.
        unknown: the token of characters outside the vocabulary.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.UnicodeScripts(),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
        ]
    )
    words: Counter[str] = Counter()
    for text in texts:
        words.update(unicodedata.normalize("NFKC", without_surrogates(text[:_MAX_CHARACTERS])).lower().split())
    return train_tokenizer(tokenizer, _within(words, _alphabet(words, size // 3)), size, special)


def _within(words: Counter[str], alphabet: set[str]) -> Counter[str]:
    """Cut words at characters outside the alphabet: one rare ideograph must not lose a sentence without spaces."""
    pieces: Counter[str] = Counter()
    for word, times in words.items():
        kept = "".join(character if character in alphabet else " " for character in word)
        for piece in kept.split():
            pieces[piece] += times
    return pieces


def _alphabet(words: Counter[str], size: int) -> set[str]:
    """Return the most frequent characters; ties go by code point, never by hash order."""
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for character in word:
            counts[character] += times
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    return set(ranked[:size])

"""Checks of odd input, which every real corpus holds: one check for each kind of oddity, for models of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from harness.testing.checks.compare import scattered
from harness.testing.checks.model import Check
from harness.testing.checks.subject import ROLES, Subject
from harness.testing.checks.texts import ODD, PLAIN


def taken(subject: Subject, what: str, text: str) -> None:
    """`text` is taken on every side, alone and beside plain texts, and the answers are finite."""
    for side, ask in _SIDES[subject.kind].items():
        try:
            ask(subject, text)
        except AssertionError as error:
            raise AssertionError(f"{what} as {side} {error}") from error
        except Exception as error:
            raise AssertionError(f"{what} as {side} raised {type(error).__name__}: {error}") from error


def _encoded(subject: Subject, text: str, *, role: str) -> None:
    for texts in ([text], [PLAIN[0], text]):
        vectors = subject.model.encode(texts, role=role, language=None)
        expected = (len(texts), subject.model.info.dim)
        assert vectors.shape == expected, f"gave shape {vectors.shape}, not {expected}"
        assert np.isfinite(vectors).all(), "gave NaN or infinity"


def _searched(subject: Subject, text: str, *, passage: bool) -> None:
    passages = [PLAIN[0], text, PLAIN[1]] if passage else list(PLAIN[:3])
    queries = [PLAIN[0]] if passage else [text, PLAIN[0]]
    subject.model.index(passages, language=None)
    positions, scores = subject.model.search(queries, len(passages), language=None)
    scattered((positions, scores), len(passages))
    assert np.isfinite(scores[np.asarray(positions) >= 0]).all(), "gave NaN or infinity"


def _scored(subject: Subject, text: str, *, passage: bool) -> None:
    pair = (PLAIN[0], text) if passage else (text, PLAIN[0])
    for pairs in ([pair], [(PLAIN[0], PLAIN[1]), pair]):
        scores = subject.model.score(pairs)
        assert np.shape(scores) == (len(pairs),), f"gave shape {np.shape(scores)}, not {(len(pairs),)}"
        assert np.isfinite(scores).all(), "gave NaN or infinity"


_SIDES: dict[str, dict[str, Callable[[Subject, str], None]]] = {
    "encoder": {role: partial(_encoded, role=role) for role in ROLES},
    "searcher": {role: partial(_searched, passage=role == "passage") for role in ROLES},
    "reranker": {role: partial(_scored, passage=role == "passage") for role in ROLES},
}

#: Check id → sentence and hint.
_TEXTS = {
    "empty-text": ("Corpora hold passages without a word.", "Give an empty text an answer, zeros if need be."),
    "white-space": ("A text of blanks tokenizes to nothing.", "Treat a text without tokens as an empty one."),
    "very-long": ("Some passages are books.", "Cut texts at info.max_tokens."),
    "unicode-forms": ("Collections mix composed and decomposed letters (NFC, NFD), and both must be read.",
                      "Assume neither form; whether both have one vector is the model's choice."),
    "right-to-left": ("Arabic, Hebrew and Urdu are among the benchmarks' languages.",
                      "Leave direction marks to the tokenizer."),
    "no-spaces": ("Chinese, Japanese and Thai put no space between words.",
                  "Do not rely on split(); a text may be one long word."),
    "emoji": ("Characters beyond the first plane and joined sequences occur everywhere.",
              "Count code points, not UTF-16 units."),
    "lone-surrogate": ("Broken decoding leaves half characters, and tokenizers refuse them.",
                       "Call harness.encoders.text.without_surrogates."),
    "zero-byte": ("Control characters survive in scraped text, and C libraries end strings at a zero.",
                  "Pass lengths with strings, or replace control characters."),
}  # fmt: skip


def _check(id: str) -> Check:
    def function(subject: Subject) -> None:
        for what, text in ODD[id]:
            taken(subject, what, text)

    why, hint = _TEXTS[id]
    return Check(id, why, hint, function)


CHECKS = tuple(_check(id) for id in _TEXTS)

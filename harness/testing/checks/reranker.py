"""Checks of a reranker's scores."""

from __future__ import annotations

import numpy as np

from harness.encoders.protocols import FloatArray
from harness.plugins.spec import Kind
from harness.testing.checks.compare import furthest
from harness.testing.checks.model import Check
from harness.testing.checks.subject import Subject
from harness.testing.checks.texts import EVEN, LONG, PLAIN

_PAIRS = tuple((PLAIN[2], text) for text in PLAIN)
_EVEN = tuple((EVEN[0], text) for text in EVEN)


def _score(subject: Subject, pairs: tuple[tuple[str, str], ...]) -> FloatArray:
    scores: FloatArray = subject.model.score(list(pairs))
    return scores


def shape(subject: Subject) -> None:
    """One score for each pair, none for none."""
    for count in (0, 1, len(_PAIRS)):
        scores = _score(subject, _PAIRS[:count])
        assert isinstance(scores, np.ndarray), f"score returned {type(scores).__name__}, not a numpy array"
        assert scores.shape == (count,), f"{count} pairs gave shape {scores.shape}, not {(count,)}"


def dtype(subject: Subject) -> None:
    """float32, for none too."""
    for count in (0, len(_PAIRS)):
        found = _score(subject, _PAIRS[:count]).dtype
        assert found == np.float32, f"dtype is {found} for {count} pairs, not float32"


def finite(subject: Subject) -> None:
    """Neither NaN nor infinity."""
    assert np.isfinite(_score(subject, _PAIRS)).all(), "a score is NaN or infinite"


def order(subject: Subject) -> None:
    """The pairs in reverse have the same scores in reverse."""
    moved = furthest(_score(subject, _PAIRS), _score(subject, _PAIRS[::-1])[::-1])
    assert moved <= subject.tolerance, f"reversing the pairs moved a score by {moved:.2g}"


def companions(subject: Subject) -> None:
    """A pair alone has the score that it has among pairs of its length."""
    together = _score(subject, _EVEN * 4)[: len(_EVEN)]
    moved = furthest(together, np.concatenate([_score(subject, (pair,)) for pair in _EVEN]))
    assert moved <= subject.tolerance, f"a score moved by {moved:.2g} with the pairs beside it"


def padding(subject: Subject) -> None:
    """A short pair has the score beside a long one that it has alone."""
    short = (PLAIN[2], "Mars")
    moved = furthest(_score(subject, (short, (PLAIN[2], LONG)))[:1], _score(subject, (short,)))
    assert moved <= subject.tolerance, f"a short pair's score moved by {moved:.2g} beside a long one"


def language(subject: Subject) -> None:
    """Any tag is taken, of the queries and of the passages."""
    for tag in ("en", "sw", "th", "pt-BR", "qaa"):
        for languages in ({"query_language": tag, "passage_language": "en"}, {"passage_language": tag}):
            scores = subject.model.score(list(_PAIRS), **languages)
            assert np.shape(scores) == (len(_PAIRS),), f"{languages} gave scores of shape {np.shape(scores)}"


def distinct(subject: Subject) -> None:
    """Different passages have different scores for one query."""
    scores = np.nan_to_num(_score(subject, _PAIRS))
    assert len(np.unique(scores)) > 1, "every passage has the same score"


_RERANKER: tuple[Kind, ...] = ("reranker",)

CHECKS = (
    Check("shape", "Score i belongs to pair i.", "Return a numpy array (n,), (0,) for no pairs.", shape, _RERANKER),
    Check("dtype", "Scores are stored and merged as float32.",
          "End with .astype(numpy.float32), for no pairs too.", dtype, _RERANKER),
    Check("finite", "A score that is no number has no place in a ranking.",
          "Look at logarithms and at half precision.", finite, _RERANKER),
    Check("order", "Score i must belong to pair i.", "Undo the sorting by length after batching.", order, _RERANKER),
    Check("companions", "A score must depend on its query and its passage alone.",
          "Leave out statistics over the batch; call eval().", companions, _RERANKER),
    Check("padding", "A short pair must not depend on the longest of its batch.",
          "Pass the attention mask to the model.", padding, _RERANKER),
    Check("language", "The engine says the language of queries and passages where it knows it.",
          "Take query_language and passage_language by name; fall back where a tag is unknown.", language, _RERANKER),
    Check("distinct", "A reranker that gives every passage one score leaves the ranking to chance.",
          "Look at the model's head: its weights may be missing.", distinct, _RERANKER),
)  # fmt: skip

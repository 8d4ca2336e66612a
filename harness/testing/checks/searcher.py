"""Checks of a searcher: positions and scores, corpora of every size, and what an index may not depend on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray, IntArray
from harness.plugins.spec import Kind
from harness.testing.checks.compare import furthest, scattered
from harness.testing.checks.model import Check
from harness.testing.checks.subject import Subject
from harness.testing.checks.texts import PASSAGES, PLAIN

#: Places among which a text's own passage must be, and of ten.
_NEAR = 3


def _search(
    subject: Subject, passages: tuple[str, ...], queries: tuple[str, ...], k: int, language: str | None = None
) -> tuple[IntArray, FloatArray]:
    subject.model.index(list(passages), language=language)
    positions, scores = subject.model.search(list(queries), k, language=language)
    return positions, scores


def shape(subject: Subject) -> None:
    """Positions and scores are arrays (queries, k)."""
    for count, k in ((3, 2), (1, 5), (len(PLAIN), 1)):
        for what, found in zip(("positions", "scores"), _search(subject, PASSAGES, PLAIN[:count], k), strict=True):
            assert isinstance(found, np.ndarray), f"{what} are {type(found).__name__}, not a numpy array"
            assert found.shape == (count, k), f"{count} queries and k={k} gave {what} of shape {found.shape}"


def dtype(subject: Subject) -> None:
    """int64 and float32."""
    positions, scores = _search(subject, PASSAGES, PLAIN, 2)
    assert positions.dtype == np.int64, f"positions are {positions.dtype}, not int64"
    assert scores.dtype == np.float32, f"scores are {scores.dtype}, not float32"


def finite(subject: Subject) -> None:
    """Every passage that is returned has a score that is a number."""
    positions, scores = _search(subject, PASSAGES, PLAIN, 4)
    assert np.isfinite(scores[positions >= 0]).all(), "a score is NaN or infinite"


def positions(subject: Subject) -> None:
    """Positions are those of passages, none twice in a row, and −1 stands after the last hit only."""
    found, _ = _search(subject, PASSAGES, PLAIN, len(PASSAGES))
    for query, row in zip(PLAIN, found, strict=True):
        _row(query, row, len(PASSAGES))


def few_passages(subject: Subject) -> None:
    """More is asked for than there is: (queries, k) with −1 in what is left over."""
    found, _ = _search(subject, PASSAGES[:3], PLAIN, 7)
    assert found.shape == (len(PLAIN), 7), f"k=7 of 3 passages gave positions of shape {found.shape}"
    for query, row in zip(PLAIN, found, strict=True):
        _row(query, row, 3)


def _row(query: str, row: NDArray[np.int64], passages: int) -> None:
    hits = row[row >= 0]
    about = f"for {query!r} in {passages} passages"
    assert row.min() >= -1 and row.max() < passages, f"positions {row.tolist()} {about}"
    assert len(np.unique(hits)) == len(hits), f"a passage is returned twice {about}: {row.tolist()}"
    assert (row[: len(hits)] >= 0).all(), f"−1 stands before a hit {about}: {row.tolist()}"


def empty_corpus(subject: Subject) -> None:
    """Nothing is found in nothing."""
    found, scores = _search(subject, (), PLAIN[:2], 3)
    assert found.shape == scores.shape == (2, 3), f"an empty corpus gave shapes {found.shape} and {scores.shape}"
    assert (np.asarray(found) == -1).all(), f"an empty corpus gave positions {found.tolist()}"


def no_queries(subject: Subject) -> None:
    """No queries have no hits."""
    found, scores = _search(subject, PASSAGES, (), 3)
    assert np.shape(found) == np.shape(scores) == (0, 3), f"no queries gave {np.shape(found)} and {np.shape(scores)}"


def reindex(subject: Subject) -> None:
    """A second corpus replaces the first."""
    fresh = scattered(_search(subject, PASSAGES[5:], PLAIN, 5), 5)
    _search(subject, PASSAGES, PLAIN, 5)
    again = scattered(_search(subject, PASSAGES[5:], PLAIN, 5), 5)
    moved = furthest(fresh, again)
    assert moved <= subject.tolerance, f"what was indexed before moved a score by {moved:.2g}"


def order(subject: Subject) -> None:
    """The corpus in reverse has the same scores in reverse."""
    n = len(PASSAGES)
    forward = scattered(_search(subject, PASSAGES, PLAIN, n), n)
    backward = scattered(_search(subject, PASSAGES[::-1], PLAIN, n), n)[:, ::-1]
    moved = furthest(forward, backward)
    assert moved <= subject.tolerance, f"reversing the passages moved a score by {moved:.2g}"


def companions(subject: Subject) -> None:
    """A query alone has the hits that it has among others."""
    n = len(PASSAGES)
    together = scattered(_search(subject, PASSAGES, PLAIN, n), n)
    alone = [scattered(subject.model.search([query], n, language=None), n) for query in PLAIN]
    moved = furthest(together, np.concatenate(alone))
    assert moved <= subject.tolerance, f"a query's score moved by {moved:.2g} with the queries beside it"


def language(subject: Subject) -> None:
    """Any tag is taken, of the corpus and of the queries."""
    for tag in ("en", "sw", "th", "pt-BR", "qaa"):
        found, _ = _search(subject, PASSAGES, PLAIN, 3, tag)
        assert found.shape == (len(PLAIN), 3), f"language={tag!r} gave positions of shape {found.shape}"


def finds_itself(subject: Subject) -> None:
    """More than half of ten passages are among the first three for their own text."""
    found, _ = _search(subject, PASSAGES, PASSAGES, _NEAR)
    own = sum(i in row for i, row in enumerate(found.tolist()))
    assert own > len(PASSAGES) / 2, f"{own} of {len(PASSAGES)} passages are among the first {_NEAR} for their own text"


_SEARCHER: tuple[Kind, ...] = ("searcher",)

CHECKS = (
    Check("shape", "The engine reads one row of k for each query.",
          "Return two numpy arrays (len(queries), k).", shape, _SEARCHER),
    Check("dtype", "Positions are stored as int64 and scores as float32.",
          "End with .astype(numpy.int64) and .astype(numpy.float32).", dtype, _SEARCHER),
    Check("finite", "A score that is no number has no place in a ranking.",
          "Look at logarithms of zero and at masks of −inf; leave such passages out.", finite, _SEARCHER),
    Check("positions", "A position is an index into the corpus that was given.",
          "Return positions and not ids, each once, with −1 after the last hit.", positions, _SEARCHER),
    Check("few-passages", "Runs ask for 1,000 hits of corpora that hold 40 passages.",
          "Fill up with −1 where there are fewer passages than k.", few_passages, _SEARCHER),
    Check("empty-corpus", "A selection may leave nothing to search in.",
          "Return −1 everywhere, and let index([]) forget the corpus before.", empty_corpus, _SEARCHER),
    Check("no-queries", "A selection may leave nothing to ask.",
          "Return arrays of shape (0, k).", no_queries, _SEARCHER),
    Check("re-index", "One searcher serves several corpora, one after another.",
          "Start from nothing in index().", reindex, _SEARCHER),
    Check("order", "A score must belong to a passage and not to its place.",
          "Undo any sorting by length; do not let shards or batches change weights.", order, _SEARCHER),
    Check("companions", "A query's ranking must not depend on the other queries.",
          "Leave out statistics over the batch; mask padding.", companions, _SEARCHER),
    Check("language", "The engine says the language of the texts where it knows it.",
          "Fall back where a tag is unknown.", language, _SEARCHER),
    Check("finds-itself", "An index that does not find a text by its own words measures nothing.",
          "Look at how rows are mapped to positions, and at the direction of the scores.", finds_itself, _SEARCHER),
)  # fmt: skip

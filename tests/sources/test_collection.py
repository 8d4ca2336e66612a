"""Collections: queries that are kept, repeats, limits and fingerprints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.sources.collection import Asked, Collection, Queries
from harness.sources.corpus import Corpus

_IDS, _TITLES, _TEXTS = ["b", "a", "é", "10", "9"], ["", "T", "", "", ""], ["one", " two ", "three", "four", "five"]
_CORPUS = Corpus(_IDS, _TITLES, _TEXTS)
_QUERIES = Queries(("q1", "q2", "q3", "q4"), ("who", "what", "who", "who"))
_QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"a": 1, "b": 0}, "q3": {"b": 0, "a": 1}, "q4": {"a": 1}}
_COLLECTION = Collection(_CORPUS, _QUERIES, _QRELS)


def test_repeated_query_counts_once() -> None:
    """A query with the text and the judgements of an earlier one goes; one with the same text alone stays."""
    once = _COLLECTION.without_repeats()
    assert once.queries.ids == ("q1", "q2", "q4")
    assert set(once.qrels) == {"q1", "q2", "q4"}
    assert once.repeats == 1
    assert once.without_repeats() is once


def test_nothing_repeated_changes_nothing() -> None:
    """A collection without repeats is itself."""
    single = Collection(_CORPUS, Queries(("q1",), ("who",)), {"q1": {"a": 1}})
    assert single.without_repeats() is single


@pytest.mark.parametrize(("limit", "ids"), [(1, ("q1",)), (3, ("q1", "q2", "q3"))])
def test_limit_keeps_the_first_queries(limit: int, ids: tuple[str, ...]) -> None:
    """Queries, judgements and answers are cut together; the corpus stays whole."""
    answers = dict.fromkeys(_QUERIES.ids, ("x",))
    cut = replace(_COLLECTION, answers=answers).limited(limit)
    assert cut.queries.ids == ids
    assert tuple(cut.qrels) == tuple(cut.answers or ()) == ids
    assert cut.corpus is _CORPUS


@pytest.mark.parametrize("limit", [None, 4, 99])
def test_limit_beyond_the_end(limit: int | None) -> None:
    """A limit that cuts nothing gives the collection itself."""
    assert _COLLECTION.limited(limit) is _COLLECTION


def test_what_is_asked() -> None:
    """Everything but the corpus is what was put in."""
    answers = {"q1": ("x",)}
    assert replace(_COLLECTION, answers=answers).asked == Asked(_QUERIES, _QRELS, answers)


def test_keep_preserves_order() -> None:
    """Queries are kept in the order of their file, with their own texts."""
    assert _QUERIES.keep({"q3", "q2", "nobody"}) == Queries(("q2", "q3"), ("what", "who"))


def _fresh() -> Collection:
    corpus = Corpus(list(_IDS), list(_TITLES), list(_TEXTS))
    return Collection(corpus, Queries(_QUERIES.ids, _QUERIES.texts), {q: dict(g) for q, g in _QRELS.items()})


def test_equal_content_has_one_fingerprint() -> None:
    """Two readings of the same data share fingerprints; the order of judgements does not matter."""
    assert _fresh().corpus.fingerprint == _CORPUS.fingerprint
    assert replace(_fresh(), qrels=dict(reversed(_QRELS.items()))).fingerprint == _COLLECTION.fingerprint


_CHANGES = {
    "passage text": replace(_COLLECTION, corpus=Corpus(_IDS, _TITLES, ["One", *_TEXTS[1:]])),
    "title": replace(_COLLECTION, corpus=Corpus(_IDS, ["", "t", "", "", ""], _TEXTS)),
    "passage id": replace(_COLLECTION, corpus=Corpus(["b", "a", "é", "10", "8"], _TITLES, _TEXTS)),
    "query text": replace(_COLLECTION, queries=Queries(_QUERIES.ids, ("who", "what", "who", "whom"))),
    "order of queries": replace(_COLLECTION, queries=Queries(_QUERIES.ids[::-1], _QUERIES.texts[::-1])),
    "grade": replace(_COLLECTION, qrels={**_QRELS, "q4": {"a": 2}}),
    "an explicit zero": replace(_COLLECTION, qrels={**_QRELS, "q4": {"a": 1, "b": 0}}),
    "answers": replace(_COLLECTION, answers={}),
}  # fmt: skip


@pytest.mark.parametrize("changed", _CHANGES.values(), ids=_CHANGES.keys())
def test_any_change_changes_the_fingerprint(changed: Collection) -> None:
    """Whatever the scores depend on is in the fingerprint."""
    assert changed.fingerprint != _COLLECTION.fingerprint

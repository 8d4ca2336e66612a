"""Collections: Arrow columns, rendering, the order of ties, repeats, limits and fingerprints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sources.collection import Collection, Corpus, Queries

_TITLES, _TEXTS = ["", "T", "", "", ""], ["one", " two ", "three", "four", "five"]
_CORPUS = Corpus(["b", "a", "é", "10", "9"], _TITLES, _TEXTS)
_QUERIES = Queries(("q1", "q2", "q3", "q4"), ("who", "what", "who", "who"))
_QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"a": 1, "b": 0}, "q3": {"b": 0, "a": 1}, "q4": {"a": 1}}
_COLLECTION = Collection(_CORPUS, _QUERIES, _QRELS)
_IDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4), min_size=1, max_size=20, unique=True
)


def test_columns_are_read_by_position() -> None:
    """Ids and texts at positions come in the order asked for, repeated where asked twice."""
    assert len(_CORPUS) == 5
    assert _CORPUS.ids() == ["b", "a", "é", "10", "9"]
    assert _CORPUS.ids_at(np.array([4, 0, 0])) == ["9", "b", "b"]
    assert _CORPUS.texts_at(np.array([1])) == [" two "]
    assert _CORPUS.ids_at(np.array([], dtype=np.int64)) == []


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("{text}", ["one", " two "]),
        ("{title} {text}", ["one", "T  two "]),
        ("{title}\n\n{text}", ["one", "T\n\n two "]),
        ("{{title}} {text}", ["{title} one", "{title}  two "]),
        ("passage: {text}", ["passage: one", "passage:  two "]),
        ("passage: {title} {text}", ["passage:  one", "passage: T  two "]),
    ],
)
def test_rendering(template: str, rendered: list[str]) -> None:
    """Title and text fill the template; an absent title leaves no white space at the ends, and loses nothing else."""
    assert _CORPUS.render(template, 0, 2) == rendered


def test_rendering_a_part() -> None:
    """Start and stop are positions, as in a slice."""
    assert _CORPUS.render("{title} {text}", 3, 5) == ["four", "five"]
    assert _CORPUS.render("{text}", 5, 5) == []


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
    st.sampled_from(["{text}", "{title} {text}"]),
)
def test_text_is_never_changed(text: str, template: str) -> None:
    """Braces, white space and anything else in a text without title reach the encoder as they are."""
    assert Corpus(["x"], [""], [text]).render(template, 0, 1) == [text]


def test_tie_order_by_hand() -> None:
    """Ranks follow the bytes of the ids: "10" < "9" < "a" < "b" < "é"."""
    assert _CORPUS.tie_order.tolist() == [3, 2, 4, 0, 1]


@given(_IDS)
def test_tie_order_is_that_of_bytes(ids: list[str]) -> None:
    """The rank of each id is its place among the UTF-8 bytes of all ids, as strcmp orders them for trec_eval."""
    corpus = Corpus(ids, [""] * len(ids), ["x"] * len(ids))
    expected = sorted(range(len(ids)), key=lambda i: ids[i].encode())
    assert np.argsort(corpus.tie_order).tolist() == expected


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


def test_keep_preserves_order() -> None:
    """Queries are kept in the order of their file, with their own texts."""
    assert _QUERIES.keep({"q3", "q2", "nobody"}) == Queries(("q2", "q3"), ("what", "who"))


def _fresh() -> Collection:
    corpus = Corpus(_CORPUS.ids(), ["", "T", "", "", ""], ["one", " two ", "three", "four", "five"])
    return Collection(corpus, Queries(_QUERIES.ids, _QUERIES.texts), {q: dict(g) for q, g in _QRELS.items()})


def test_equal_content_has_one_fingerprint() -> None:
    """Two readings of the same data share fingerprints; the order of judgements does not matter."""
    assert _fresh().corpus.fingerprint == _CORPUS.fingerprint
    assert replace(_fresh(), qrels=dict(reversed(_QRELS.items()))).fingerprint == _COLLECTION.fingerprint


_CHANGES = {
    "passage text": replace(_COLLECTION, corpus=Corpus(_CORPUS.ids(), _TITLES, ["One", *_TEXTS[1:]])),
    "title": replace(_COLLECTION, corpus=Corpus(_CORPUS.ids(), ["", "t", "", "", ""], _TEXTS)),
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

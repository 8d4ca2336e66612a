"""Corpora: columns by position, rendering, finding ids, the order of ties, digests and fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sources.corpus import ArrowFile, Corpus, order_by_id, ranks, schema

_CORPUS = Corpus(["b", "a", "é", "10", "9"], ["", "T", "", "", ""], ["one", " two ", "three", "four", "five"])
_TEMPLATES = ["{text}", "{title} {text}", "{title}\n\n{text}", "passage: {title} {text}"]

_STRING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from(["\r", "\n", "\0", "{", "}", "\u2028", "\u0301", "ẹ", "ก", "😀", " ", "\ufffe"]),
    max_size=12,
)
_IDS = st.lists(_STRING.filter(bool), min_size=1, max_size=20, unique=True)


class _Pieces:
    """Batches of given sizes, which remember what was read of them."""

    def __init__(self, rows: Sequence[tuple[str, str, str]], sizes: Sequence[int]) -> None:
        self.rows = list(sizes)
        starts = np.cumsum([0, *sizes])
        self._batches = [
            pa.record_batch(
                [pa.array(column, type=pa.large_string()) for column in zip(*rows[a:b], strict=True)], schema=schema()
            )
            for a, b in pairwise(starts.tolist())
        ]
        self.read_numbers: list[int] = []

    def read(self, number: int) -> pa.RecordBatch:
        """One batch."""
        self.read_numbers.append(number)
        return self._batches[number]


@st.composite
def _corpora(draw: st.DrawFn) -> tuple[Corpus, list[tuple[str, str, str]]]:
    """A corpus, in memory or in batches of any sizes, and its rows."""
    rows = [(name, draw(_STRING), draw(_STRING.filter(str.strip))) for name in draw(_IDS)]
    if draw(st.booleans()):
        columns: list[list[str]] = [list(column) for column in zip(*rows, strict=True)]
        return Corpus(*columns), rows
    sizes = []
    while sum(sizes) < len(rows):
        sizes.append(draw(st.integers(1, len(rows) - sum(sizes))))
    return Corpus.of_batches(_Pieces(rows, sizes)), rows


@st.composite
def _positions(draw: st.DrawFn) -> tuple[Corpus, list[tuple[str, str, str]], list[int]]:
    """A corpus with positions in it: repeated ones, none, any order."""
    corpus, rows = draw(_corpora())
    return corpus, rows, draw(st.lists(st.integers(0, len(rows) - 1), max_size=30))


def _array(positions: Sequence[int]) -> np.ndarray:
    return np.array(positions, dtype=np.int64)


def _expected(template: str, row: tuple[str, str, str]) -> str:
    """What `render` must give for one row, written down plainly."""
    _, title, text = row
    if not title:
        return {"passage: {title} {text}": "passage:  "}.get(template, "") + text
    return {
        "{text}": text,
        "{title} {text}": f"{title} {text}",
        "{title}\n\n{text}": f"{title}\n\n{text}",
        "passage: {title} {text}": f"passage: {title} {text}",
    }[template]


def test_columns_are_read_by_position() -> None:
    """Ids and texts at positions come in the order asked for, repeated where asked twice."""
    assert len(_CORPUS) == 5
    assert list(_CORPUS.column("id")) == ["b", "a", "é", "10", "9"]
    assert _CORPUS.ids_at(_array([4, 0, 0])) == ["9", "b", "b"]
    assert _CORPUS.texts_at(_array([1])) == [" two "]
    assert _CORPUS.ids_at(_array([])) == []


@given(_positions())
def test_any_positions(case: tuple[Corpus, list[tuple[str, str, str]], list[int]]) -> None:
    """Whatever the batches, ids and texts at any positions are those of the rows, byte for byte."""
    corpus, rows, positions = case
    assert len(corpus) == len(rows)
    assert corpus.ids_at(_array(positions)) == [rows[i][0] for i in positions]
    assert corpus.texts_at(_array(positions)) == [rows[i][2] for i in positions]
    for number, name in enumerate(("id", "title", "text")):
        assert list(corpus.column(name)) == [row[number] for row in rows]


@pytest.mark.parametrize("position", [-1, 5, 100])
def test_positions_outside(position: int) -> None:
    """A position that the corpus does not have is an error and never another passage."""
    for corpus in (_CORPUS, Corpus.of_batches(_Pieces([(str(i), "", "x") for i in range(5)], [2, 3]))):
        with pytest.raises(IndexError):
            corpus.ids_at(_array([position]))


@given(_corpora(), st.lists(_STRING, max_size=10))
def test_find(case: tuple[Corpus, list[tuple[str, str, str]]], others: list[str]) -> None:
    """Ids that are passages have their positions, others are left out, and asking twice is asking once."""
    corpus, rows = case
    known = {name: position for position, (name, _, _) in enumerate(rows)}
    asked = [*list(known)[::2], *others, *others, *list(known)[:1]]
    assert corpus.find(asked) == {name: known[name] for name in asked if name in known}
    assert corpus.find(iter(asked)) == corpus.find(set(asked)) == corpus.find(dict.fromkeys(asked))
    assert corpus.find([]) == {}


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
    assert _CORPUS.render(template, _array([0, 1])) == rendered


@given(_positions(), st.sampled_from(_TEMPLATES))
def test_rendering_any_positions(case: tuple[Corpus, list[tuple[str, str, str]], list[int]], template: str) -> None:
    """Braces, white space and anything else in titles and texts reach the encoder as they are, at any positions."""
    corpus, rows, positions = case
    expected = [_expected(template, row) for row in rows]
    assert corpus.render(template, _array(positions)) == [expected[i] for i in positions]
    assert [text for batch in corpus.render_all(template) for text in batch] == expected


def test_a_batch_is_read_once_for_many_positions() -> None:
    """However many positions lie in it, and in whatever order, each batch is read once, and the others not at all."""
    pieces = _Pieces([(str(i), "", str(i)) for i in range(100)], [10] * 10)
    Corpus.of_batches(pieces).texts_at(_array([95, 3, 91, 7, 3, 99]))
    assert pieces.read_numbers == [0, 9]


def test_tie_order_by_hand() -> None:
    """Ranks follow the bytes of the ids: "10" < "9" < "a" < "b" < "é"."""
    assert _CORPUS.tie_order.tolist() == [3, 2, 4, 0, 1]


@given(_corpora())
def test_tie_order_is_that_of_bytes(case: tuple[Corpus, list[tuple[str, str, str]]]) -> None:
    """The rank of each id is its place among the UTF-8 bytes of all ids, as strcmp orders them for trec_eval."""
    corpus, rows = case
    ids = [row[0] for row in rows]
    expected = sorted(range(len(ids)), key=lambda i: ids[i].encode())
    assert np.argsort(corpus.tie_order).tolist() == expected
    assert order_by_id(corpus.id_column()).tolist() == expected
    assert corpus.id_column().to_pylist() == ids


def test_tie_order_beyond_the_first_plane() -> None:
    """UTF-16 would sort an astral character before U+FFFD; bytes do not."""
    assert Corpus(["\ufffd", "😀", "z"], [""] * 3, ["x"] * 3).tie_order.tolist() == [1, 2, 0]


@given(st.permutations(range(12)))
def test_ranks_invert(order: list[int]) -> None:
    """The ranks of a permutation are its inverse."""
    assert ranks(_array(order))[order].tolist() == list(range(12))


@given(_corpora(), st.sampled_from(_TEMPLATES))
def test_digests(case: tuple[Corpus, list[tuple[str, str, str]]], template: str) -> None:
    """Digests are those of the rendered texts, in order, and are computed once."""
    corpus, _ = case
    rendered = [text for batch in corpus.render_all(template) for text in batch]
    expected = [hashlib.blake2b(text.encode(), digest_size=16).digest().rstrip(b"\0") for text in rendered]
    found = corpus.digests(template)
    assert found.dtype == np.dtype("S16")
    assert found.tolist() == expected
    assert corpus.digests(template) is found


@given(_corpora())
def test_fingerprint_does_not_depend_on_batches(case: tuple[Corpus, list[tuple[str, str, str]]]) -> None:
    """The same rows have the same fingerprint, however they are cut into batches."""
    corpus, rows = case
    assert corpus.fingerprint == Corpus.of_batches(_Pieces(rows, [1] * len(rows))).fingerprint


def test_fingerprint_tells_columns_apart() -> None:
    """What moves from one column or row to another changes the fingerprint."""
    corpora = [
        Corpus(["a", "b"], ["", "t"], ["x", "y"]),
        Corpus(["a", "b"], ["t", ""], ["x", "y"]),
        Corpus(["a", "b"], ["", ""], ["x", "ty"]),
        Corpus(["a", "b"], ["", ""], ["xt", "y"]),
        Corpus(["b", "a"], ["t", ""], ["y", "x"]),
        Corpus(["ab", "b"], ["", "t"], ["x", "y"]),
    ]
    assert len({corpus.fingerprint for corpus in corpora}) == len(corpora)


def test_empty_corpus() -> None:
    """A corpus without passages has nothing at all, and no method minds."""
    corpus = Corpus([], [], [])
    assert len(corpus) == 0
    assert corpus.find(["x"]) == {}
    assert corpus.texts_at(_array([])) == corpus.render("{title} {text}", _array([])) == []
    assert corpus.tie_order.shape == corpus.digests("{text}").shape == (0,)
    assert list(corpus.batches()) == []


def test_batches_outlive_the_mapping(tmp_path: Path) -> None:
    """A batch of a file can be used after the file was mapped, and after it is gone."""
    path = tmp_path / "passages.arrow"
    batches = _Pieces([(str(i), "", f"text {i}") for i in range(30)], [10, 20])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema()) as writer:
        for number in range(2):
            writer.write_batch(batches.read(number))
    corpus = Corpus.of_batches(ArrowFile(path, [10, 20]))
    kept = [batch for _, batch in corpus.batches()]
    ids = corpus.id_column()
    assert [start for start, _ in corpus.batches()] == [0, 10]
    path.unlink()
    assert kept[1].column("text").to_pylist()[-1] == "text 29"
    assert ids.to_pylist() == [str(i) for i in range(30)]

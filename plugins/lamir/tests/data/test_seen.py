"""The set of hashes against Python's, and the hashes of rows."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
from harness_lamir.data.rows import Document, Multiway, Pair, Row, Text, Translation
from harness_lamir.data.seen import SeenHashes, hashes_of_rows
from hypothesis import given, settings
from hypothesis import strategies as st

NUMBERS = st.one_of(st.integers(0, 20), st.integers(2**63 - 3, 2**63 + 3), st.sampled_from([2**64 - 1]))


@given(st.lists(st.lists(NUMBERS, max_size=30), max_size=12))
@settings(deadline=None)
def test_it_is_a_set(batches: list[list[int]]) -> None:
    """Every batch is answered as a set of Python would, whatever came before."""
    seen, reference = SeenHashes(), set[int]()
    for batch in batches:
        hashes = np.array(batch, np.uint64)
        assert seen.has(hashes).tolist() == [number in reference for number in batch]
        expected = [number not in reference and number not in batch[:at] for at, number in enumerate(batch)]
        assert seen.add(hashes).tolist() == expected
        reference.update(batch)
        assert len(seen) == len(reference)


def test_many_batches_are_few_arrays() -> None:
    """Adding 500 batches keeps the number of arrays logarithmic."""
    seen = SeenHashes()
    for start in range(0, 50_000, 100):
        seen.add(np.arange(start, start + 100, dtype=np.uint64))
    assert len(seen) == 50_000
    assert len(seen._runs) <= 10


def test_rows_have_hashes_of_their_own() -> None:
    """Rows that differ in any text, in where one text ends, or in language differ; equal ones do not."""
    kinds: list[list[Row]] = [
        [Pair("a", "b"), Pair("ab", ""), Pair("a", "b", ("c",)), Pair("a", "b", ("c", "d")), Pair("a", "b", ("cd",))],
        [Translation("a", "b", "sw"), Translation("a", "b", "yo"), Translation("b", "a", "sw")],
        [Text("a", "sw"), Text("a", "yo"), Text("a ", "sw")],
        [Document(("a", "b"), "sw"), Document(("ab",), "sw"), Document(("a", "b", ""), "sw")],
        [Multiway(("a", "b"), ("en", "sw")), Multiway(("a", "b"), ("sw", "en"))],
    ]  # fmt: skip
    for rows in kinds:
        assert len(set(hashes_of_rows(rows).tolist())) == len(rows)
        again = hashes_of_rows(list(itertools.chain(rows, rows)))
        assert np.array_equal(again[: len(rows)], again[len(rows) :])


def test_hashes_are_the_same_in_every_run() -> None:
    """They are BLAKE2b of lengths and texts: what is called a duplicate must not depend on the process."""
    digest = hashlib.blake2b(b"5\0water2\0en", digest_size=8).digest()
    assert hashes_of_rows([Text("water", "en")]).tolist() == [int.from_bytes(digest, "little")]

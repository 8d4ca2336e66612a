"""Rows in mapped files equal the rows that were written, and cost no memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data import table
from harness_lamir.data.rows import ROW_TYPES, Document, Kind, Multiway, Pair, Row, Text, Translation, Triplet
from harness_lamir.data.table import RowTable, TableWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TEXTS = st.lists(TEXT, max_size=4).map(tuple)
ROWS: dict[Kind, st.SearchStrategy[Row]] = {
    "ir": st.builds(Pair, TEXT, TEXT, TEXTS, TEXT),
    "parallel": st.builds(Translation, TEXT, TEXT, TEXT),
    "text": st.builds(Text, TEXT, TEXT),
    "document": st.builds(Document, TEXTS, TEXT),
    "multiway": st.builds(Multiway, TEXTS, TEXTS),
    "triplet": st.builds(Triplet, TEXT, TEXT, TEXT, TEXT),
}


def written(path: Path, kind: Kind, *batches: list[Any], **options: bool) -> RowTable:
    """Write rows, batch by batch, and open them."""
    with TableWriter(path, kind) as writer:
        for batch in batches:
            writer.append(batch)
    return RowTable(path, kind, **options)


@pytest.mark.parametrize("kind", ROW_TYPES)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_rows_come_back_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, data: st.DataObject) -> None:
    """Rows of every kind, in record batches of three or of a few characters, by index and in order."""
    monkeypatch.setattr(table, "_BATCH_ROWS", 3)
    monkeypatch.setattr(table, "_BATCH_CHARACTERS", 50)
    batches = data.draw(st.lists(st.lists(ROWS[kind], max_size=5), max_size=4))
    rows = [row for batch in batches for row in batch]
    mapped = written(tmp_path / "rows.arrow", kind, *batches)
    assert len(mapped) == len(rows)
    assert list(mapped) == rows
    for index in reversed(range(len(rows))):
        assert mapped[index] == rows[index]
    for outside in (-1, len(rows)):
        with pytest.raises(IndexError):
            mapped[outside]


def test_the_file_has_no_name_any_more(tmp_path: Path) -> None:
    """A table that removes its file is read all the same."""
    mapped = written(tmp_path / "rows.arrow", "text", [Text("water", "en")], remove=True)
    assert list(tmp_path.iterdir()) == []
    assert mapped[0] == Text("water", "en")


def test_many_rows_are_not_held_in_memory(tmp_path: Path) -> None:
    """Writing 40 MB of text takes the memory of a record batch, and a table of it next to none."""
    block = ["x" * 4000 + str(number) for number in range(200)]
    tracemalloc.start()
    try:
        with TableWriter(tmp_path / "rows.arrow", "text") as writer:
            for number in range(50):
                writer.append([Text(f"{number} {text}", "en") for text in block])
        _, peak = tracemalloc.get_traced_memory()
        before, _ = tracemalloc.get_traced_memory()
        mapped = RowTable(tmp_path / "rows.arrow", "text")
        seen = [mapped[index].language for index in range(0, len(mapped), 7)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "rows.arrow").stat().st_size > 40_000_000
    assert len(mapped) == 10_000 and set(seen) == {"en"}
    assert peak < 25_000_000
    assert after - before < 500_000


def test_a_table_that_is_given_up_stays_incomplete(tmp_path: Path) -> None:
    """After an error in a `with` block the file is closed and is no table."""
    with pytest.raises(RuntimeError), TableWriter(tmp_path / "rows.arrow", "text") as writer:
        writer.append([Text("water", "en")])
        raise RuntimeError
    with pytest.raises(Exception, match=r"(?i)arrow|too small|not"):
        RowTable(tmp_path / "rows.arrow", "text")

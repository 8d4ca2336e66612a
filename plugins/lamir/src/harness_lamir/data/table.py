"""Rows in a file that is mapped into memory, so that there may be more text than memory.

A table is written once, in record batches of Arrow's IPC file format, and then read at random. What is in memory are
the pages that were read lately, which the system takes back when it needs the room; no row is held as a Python object.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from harness_lamir.data.rows import ROW_TYPES, Kind, Row, texts_of

__all__ = ["RowTable", "TableWriter"]

#: Rows of one record batch, at most.
_BATCH_ROWS = 1 << 16
#: Characters beyond which a record batch is full: long documents must not fill the memory.
_BATCH_CHARACTERS = 1 << 24

_COLUMNS = {"str": pa.string(), "tuple[str, ...]": pa.list_(pa.string())}


class TableWriter:
    """Writes rows of one kind to a new file; `close` or the end of a `with` block completes it.

    Args:
        path: the file, in a folder that exists.
        kind: what the rows are; each field of the row type becomes a column.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self.kind = kind
        columns = fields(ROW_TYPES[kind])
        self._names = [column.name for column in columns]
        self._schema = pa.schema([(column.name, _COLUMNS[str(column.type)]) for column in columns])
        self._pending: list[Row] = []
        self._characters = 0
        self._stream = path.open("wb")
        self._writer: Any = pa.ipc.new_file(self._stream, self._schema)

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows to the end. Raises OSError where the disk is full, and UnicodeError for text that is no Unicode."""
        for row in rows:
            self._pending.append(row)
            self._characters += sum(map(len, texts_of(row)))
            if len(self._pending) >= _BATCH_ROWS or self._characters >= _BATCH_CHARACTERS:
                self._flush()

    def close(self) -> None:
        """Write what is pending and the end of the file."""
        if self._writer is not None:
            self._flush()
            self._writer.close()
            self._stream.close()
            self._writer = None

    def _flush(self) -> None:
        """Write the pending rows as one record batch."""
        if self._pending:
            columns = ([getattr(row, name) for row in self._pending] for name in self._names)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
            self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
            self._pending, self._characters = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, or give it up after an error."""
        if error is None:
            self.close()
        else:
            self._stream.close()


class RowTable:
    """The rows of a file that `TableWriter` wrote, memory-mapped: `table[i]` makes row i anew, every time.

    Args:
        path: the file.
        kind: what its rows are.
        remove: take the file's name away once it is mapped, so that the disk space is freed when the table is, even
            if the process is killed. Where a system does not allow that, the file stays.
    """

    def __init__(self, path: Path, kind: Kind, *, remove: bool = False) -> None:
        self.kind = kind
        self._make = ROW_TYPES[kind]
        with pa.memory_map(str(path)) as mapped:
            reader = pa.ipc.open_file(mapped)
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self._columns: list[list[Any]] = [batch.columns for batch in batches]
        self._starts: list[int] = [0, *accumulate(batch.num_rows for batch in batches)]
        self._nested = [pa.types.is_list(field.type) for field in reader.schema]
        if remove:
            with suppress(OSError):
                path.unlink()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Row:
        """Row `index`, from 0; raises IndexError beyond the last."""
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        batch = bisect_right(self._starts, index) - 1
        at = index - self._starts[batch]
        values = (column[at].as_py() for column in self._columns[batch])
        row: Row = self._make(*(tuple(v) if nested else v for v, nested in zip(values, self._nested, strict=True)))
        return row

    def __iter__(self) -> Iterator[Row]:
        """All rows, in order."""
        return (self[index] for index in range(len(self)))

"""Passages in Arrow, in memory or in a memory-mapped file, and never a dictionary of documents.

A corpus is read in record batches. Of a file, each batch is mapped when it is needed and released after it, so that
going through thirty million passages takes the memory of one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from harness._util import fingerprint
from harness._util.fingerprint import digests
from harness.tasks.model import Lowercase, lowered

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness._util.fingerprint import Digests

#: Rows of one record batch.
BATCH_ROWS = 8192

COLUMNS = ("id", "title", "text")


class Batches(Protocol):
    """Record batches with the columns id, title and text, by number."""

    @property
    def rows(self) -> Sequence[int]:
        """Rows of each batch."""
        ...

    def read(self, number: int) -> pa.RecordBatch:
        """One batch."""
        ...


class Corpus:
    """Passages: ids, titles and texts.

    Ids are distinct, and a text is empty only where its benchmark has it so; whoever builds a corpus has checked that.
    """

    def __init__(self, ids: Sequence[str], titles: Sequence[str], texts: Sequence[str]) -> None:
        self._batches: Batches = _InMemory(ids, titles, texts)

    @classmethod
    def of_batches(cls, batches: Batches) -> Self:
        """The corpus in `batches`."""
        corpus = cls.__new__(cls)
        corpus._batches = batches
        return corpus

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Position of the first row of each batch, and the length of all (batches + 1,)."""
        import numpy as np

        return np.cumsum([0, *self._batches.rows], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(position of the first row, batch) through the whole corpus."""
        for number, start in enumerate(self._starts[:-1].tolist()):
            yield start, self._batches.read(number)

    def column(self, name: str) -> Iterator[str]:
        """All values of one column, in corpus order."""
        for _, batch in self.batches():
            yield from batch.column(name).to_pylist()

    def ids_at(self, positions: NDArray[np.int64]) -> list[str]:
        """The ids at `positions` (n,)."""
        return self._take(positions, "id")[0]

    def texts_at(self, positions: NDArray[np.int64]) -> list[str]:
        """The texts, without titles, at `positions` (n,)."""
        return self._take(positions, "text")[0]

    def find(self, ids: Iterable[str]) -> dict[str, int]:
        """The position of each of `ids` that is a passage."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(dict.fromkeys(ids), type=pa.large_string())
        found: dict[str, int] = {}
        for start, batch in self.batches():
            places = pc.index_in(batch.column("id"), value_set=wanted)
            rows = pc.indices_nonzero(places.is_valid())
            if len(rows):
                names = wanted.take(places.take(rows)).to_pylist()
                found.update(zip(names, (start + row for row in rows.to_pylist()), strict=True))
        return found

    def render(self, template: str, positions: NDArray[np.int64], lowercase: Lowercase = "") -> list[str]:
        """The strings an encoder reads for the passages at `positions`: `template` with {title} and {text} filled in.

        White space that an absent title or text leaves at the ends is stripped; what is there is never changed, except
        for the capitals that `lowercase` makes small.
        """
        titles, texts = self._take(positions, "title", "text")
        return _rendered(template, lowercase, titles, texts)

    def render_all(self, template: str, lowercase: Lowercase = "") -> Iterator[list[str]]:
        """What `render` gives for the whole corpus, batch by batch."""
        for _, batch in self.batches():
            titles, texts = batch.column("title").to_pylist(), batch.column("text").to_pylist()
            yield _rendered(template, lowercase, titles, texts)

    def digests(self, template: str, lowercase: Lowercase = "") -> Digests:
        """The digests (n,) of the passages as they are rendered; computed once."""
        if (template, lowercase) not in self._known_digests:
            self._known_digests[template, lowercase] = self._compute_digests(template, lowercase)
        return self._known_digests[template, lowercase]

    @cached_property
    def _known_digests(self) -> dict[tuple[str, Lowercase], Digests]:
        return {}

    def _compute_digests(self, template: str, lowercase: Lowercase) -> Digests:
        import numpy as np

        rendered = self.render_all(template, lowercase)
        return np.concatenate([np.empty(0, "S16"), *(digests(texts) for texts in rendered)])

    @cached_property
    def tie_order(self) -> NDArray[np.int64]:
        """Rank (n,) of each passage by the UTF-8 bytes of its id: trec_eval breaks ties by id, descending."""
        return ranks(order_by_id(self.id_column()))

    def id_column(self) -> pa.Array:
        """All ids as one Arrow array, in memory."""
        import pyarrow as pa

        nothing = pa.array([], type=pa.large_string())  # two arrays are copied into one, so that no batch stays mapped
        copies = [pa.concat_arrays([batch.column("id"), nothing]) for _, batch in self.batches()]
        return pa.concat_arrays([nothing, *copies])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids, titles and texts in order."""
        return fingerprint.of_strings(*(self.column(name) for name in COLUMNS))

    def _take(self, positions: NDArray[np.int64], *columns: str) -> list[list[str]]:
        """The values of `columns` at `positions`, each batch read once."""
        import numpy as np

        out: list[list[str]] = [[""] * len(positions) for _ in columns]
        numbers = np.searchsorted(self._starts, positions, side="right") - 1
        for number in np.unique(numbers).tolist():
            places = np.flatnonzero(numbers == number)
            batch = self._batches.read(number)
            rows = positions[places] - self._starts[number]
            for values, name in zip(out, columns, strict=True):
                for place, value in zip(places.tolist(), batch.column(name).take(rows).to_pylist(), strict=True):
                    values[place] = value
        return out


def order_by_id(ids: pa.Array) -> NDArray[np.int64]:
    """The positions (n,) of `ids` in the byte order of the ids."""
    import numpy as np
    import pyarrow.compute as pc

    return pc.sort_indices(ids).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)  # type: ignore[no-any-return]


def ranks(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse (n,) of a permutation: the rank of every position in `order`."""
    import numpy as np

    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def schema() -> pa.Schema:
    """Column names and types of a record batch."""
    import pyarrow as pa

    return pa.schema([(name, pa.large_string()) for name in COLUMNS])


class _InMemory:
    """Batches of a corpus that was built from lists."""

    def __init__(self, ids: Sequence[str], titles: Sequence[str], texts: Sequence[str]) -> None:
        import pyarrow as pa

        columns = [pa.array(column, type=pa.large_string()) for column in (ids, titles, texts)]
        self._table = pa.table(columns, schema=schema()).combine_chunks().to_batches()
        self.rows = [batch.num_rows for batch in self._table]

    def read(self, number: int) -> pa.RecordBatch:
        """One batch."""
        return self._table[number]


def _rendered(template: str, lowercase: Lowercase, titles: Sequence[str], texts: Sequence[str]) -> list[str]:
    if template == "{text}":
        return [lowered(text, lowercase) for text in texts] if lowercase else list(texts)
    untitled = template.format(title="", text="\0").strip()
    alone = template.format(title="\0", text="").strip()

    def rendered(title: str, text: str) -> str:
        if title and (not text or text.isspace()):
            return alone.replace("\0", title)
        return template.format(title=title, text=text) if title else untitled.replace("\0", text)

    return [lowered(rendered(title, text), lowercase) for title, text in zip(titles, texts, strict=True)]


class ArrowFile:
    """Batches of a corpus in an Arrow file, each mapped when it is read."""

    def __init__(self, path: Path, rows: Sequence[int]) -> None:
        self._path = path
        self.rows = rows

    def read(self, number: int) -> pa.RecordBatch:
        """One batch; its memory is the file's and is released with it."""
        import pyarrow as pa

        with pa.memory_map(str(self._path)) as mapped:
            return pa.ipc.open_file(mapped).get_batch(number)

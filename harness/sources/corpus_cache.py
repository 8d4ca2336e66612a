"""Corpora converted once, from whatever their files are to one Arrow file that is memory-mapped from then on.

    <cache>/corpora/<key>/passages.arrow        id, title, text in record batches
    <cache>/corpora/<key>/ties.npy              (n,) int64 rank of each passage by its id
    <cache>/corpora/<key>/digests-<hash>.npy    (n,) digests of the passages as one template renders them
    <cache>/corpora/<key>/corpus.json           rows, sizes, fingerprint; written last

The key names the files a corpus was read from, with their sizes and times, so that a file that changes is converted
again. A folder is complete or absent: it is built under another name and renamed. One that is damaged is built anew.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness._util import fingerprint
from harness._util.atomic import atomic_writer, write_text
from harness.errors import DataError
from harness.sources.corpus import BATCH_ROWS, ArrowFile, Corpus, order_by_id, ranks, schema
from harness.tasks.model import Lowercase

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness._util.fingerprint import Digests

#: Changes whenever the files below mean something else.
_LAYOUT = 1
#: Ids compared with their neighbours at a time.
_COMPARED = 1 << 20
#: Characters of one record batch, beyond which it is full: long documents must not fill the memory.
_BATCH_CHARACTERS = 16 << 20
#: Seconds after which an unfinished conversion is one that was killed.
_ABANDONED = 24 * 3600
_FILES = ("passages.arrow", "ties.npy")


class Passage(NamedTuple):
    """One passage as a reader gives it, with the place it was read from, for messages."""

    id: str
    title: str
    text: str
    file: object = ""
    line: int = 0

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


class CorpusCache:
    """Converted corpora below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root / "corpora"

    def corpus(self, key: Any, read: Callable[[], Iterable[Passage]]) -> Corpus:
        """The corpus that `read` gives, converted now or earlier under the same `key` (anything JSON can hold).

        `read` is called again to name both places where an id occurs twice.
        Raises DataError for a repeated id, for no passages at all and where it cannot be kept, and whatever `read`
        raises.
        """
        folder = self._folder(key)
        found = _open(folder)
        if found is None:
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                with _building(folder) as building:
                    _convert(building, read)
            except OSError as error:
                raise DataError(
                    f"{self.root}: a corpus cannot be kept there ({error.strerror or error})",
                    "Is the disk full, or the folder not yours? --cache or HARNESS_CACHE names another one.",
                ) from error
            found = _open(folder)
        if found is None:
            raise DataError(f"{folder}: a corpus was converted and cannot be read back", "Is the disk full or failing?")
        return found

    def held(self, key: Any) -> Path | None:
        """The folder of the corpus that was converted under `key`; None where that is not there or not whole."""
        folder = self._folder(key)
        return None if _open(folder) is None else folder

    def _folder(self, key: Any) -> Path:
        return self.root / fingerprint.of_json([_LAYOUT, key])[:24]


class _MappedCorpus(Corpus):
    """A corpus in its folder, which remembers what is costly to compute."""

    _folder: Path
    _facts: dict[str, Any]

    @cached_property
    def tie_order(self) -> NDArray[np.int64]:
        """Rank (n,) of each passage by the UTF-8 bytes of its id, memory-mapped."""
        import numpy as np

        order: NDArray[np.int64] = np.load(self._folder / "ties.npy", mmap_mode="r", allow_pickle=False)
        return order

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids, titles and texts in order, computed when the corpus was converted."""
        return str(self._facts["fingerprint"])

    def _compute_digests(self, template: str, lowercase: Lowercase) -> Digests:
        """The digests (n,), memory-mapped from the run that computed them."""
        import numpy as np

        path = self._folder / f"digests-{fingerprint.of_json([template, lowercase])[:16]}.npy"
        try:
            known = np.load(path, mmap_mode="r", allow_pickle=False)
            if known.dtype == np.dtype("S16") and known.shape == (len(self),):
                return known  # type: ignore[no-any-return]
        except (OSError, ValueError, EOFError):
            pass
        computed = super()._compute_digests(template, lowercase)
        with suppress(OSError), atomic_writer(path) as stream:  # a cache that may only be read serves all the same
            np.lib.format.write_array(stream, computed, allow_pickle=False)
        return computed


def _open(folder: Path) -> Corpus | None:
    """The corpus in `folder`; None when it is not there or not whole."""
    try:
        facts = json.loads((folder / "corpus.json").read_text("utf-8"))
        if any((folder / name).stat().st_size != facts["sizes"][name] for name in _FILES):
            return None
        rows = [int(n) for n in facts["rows"]]
        str(facts["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    corpus = _MappedCorpus.of_batches(ArrowFile(folder / "passages.arrow", rows))
    corpus._folder, corpus._facts = folder, facts
    return corpus


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """A new folder that becomes `folder` when all went well, and is gone otherwise."""
    _sweep(folder)
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    building.mkdir()
    try:
        yield building
        _put(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what conversions left that were killed; one that goes on has written something within a day."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        with suppress(OSError):
            if time.time() - max(path.stat().st_mtime for path in (left, *left.iterdir())) > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _put(building: Path, folder: Path) -> None:
    """Rename `building` to `folder`, unless another process was faster; it has the same content."""
    try:
        os.replace(building, folder)  # fails where `folder` has something in it
        return
    except OSError:
        if _open(folder) is not None:
            return
    damaged = building.with_name(f"{building.name}.damaged")
    try:
        with suppress(FileNotFoundError):
            os.replace(folder, damaged)
        os.replace(building, folder)
    except OSError:
        if _open(folder) is None:
            raise
    finally:
        shutil.rmtree(damaged, ignore_errors=True)


def _convert(folder: Path, read: Callable[[], Iterable[Passage]]) -> None:
    """Write what `read` gives to `folder`: one pass for the text, one over the ids, one for the fingerprint."""
    import numpy as np

    rows = _write_passages(folder / "passages.arrow", read())
    if not rows:
        raise DataError("a corpus without passages")
    corpus = Corpus.of_batches(ArrowFile(folder / "passages.arrow", rows))
    ids = corpus.id_column()
    order = order_by_id(ids)
    _check_distinct(ids, order, read)
    del ids
    with atomic_writer(folder / "ties.npy") as stream:
        np.lib.format.write_array(stream, ranks(order), allow_pickle=False)
    del order
    sizes = {name: (folder / name).stat().st_size for name in _FILES}
    facts = {"layout": _LAYOUT, "rows": rows, "sizes": sizes, "fingerprint": corpus.fingerprint}
    write_text(folder / "corpus.json", json.dumps(facts) + "\n")


def _write_passages(path: Path, passages: Iterable[Passage]) -> list[int]:
    """Write record batches; returns the rows of each."""
    import pyarrow as pa

    rows: list[int] = []
    with atomic_writer(path) as stream, pa.ipc.new_file(stream, schema()) as writer:
        for batch in _batches(passages):
            columns = list(zip(*batch, strict=True))[:3]  # id, title, text
            writer.write_batch(pa.record_batch([pa.array(c, type=pa.large_string()) for c in columns], schema=schema()))
            rows.append(len(batch))
    return rows


def _batches(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    """`passages` in lists of a size that fits into memory."""
    batch: list[Passage] = []
    characters = 0
    for passage in passages:
        batch.append(passage)
        characters += len(passage.title) + len(passage.text)
        if len(batch) >= BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _check_distinct(ids: pa.Array, order: NDArray[np.int64], read: Callable[[], Iterable[Passage]]) -> None:
    """Raise DataError when two passages have one id: they stand side by side in the order of ids."""
    import pyarrow.compute as pc

    for start in range(0, len(order) - 1, _COMPARED):
        near = ids.take(order[start : start + _COMPARED + 1])
        same = pc.indices_nonzero(pc.equal(near.slice(0, len(near) - 1), near.slice(1)))
        if len(same):
            name = near[same[0].as_py()].as_py()
            places = list(islice((passage.where for passage in read() if passage.id == name), 2))
            raise DataError(f"{places[-1]}: passage id {name!r} was used in {places[0]} already")

"""The token vectors of a corpus in a temporary file, read back in blocks.

The file has no name where the system allows it (POSIX), so that nothing of it stays, however the process ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray
from harness.errors import HarnessError
from harness_late_interaction.ragged import Ragged, cuts, offsets_of

Precision = Literal["float32", "float16"]


class TokenFile:
    """Vectors of `dim` components in `precision`, in a file below `folder`. Raises HarnessError for a full disk."""

    def __init__(self, folder: Path, dim: int, precision: Precision) -> None:
        self._folder = folder
        self._dim = dim
        self._dtype = np.dtype(precision)
        self._lengths: list[NDArray[np.int64]] = []
        self._rows = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="late-interaction-")  # noqa: SIM115
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return self._rows * self._dim * self._dtype.itemsize

    def extend(self, lengths: NDArray[np.int64], vectors: Iterator[tuple[int, FloatArray]]) -> None:
        """Append texts of `lengths` (n,) tokens; `vectors` gives (which of them, its vectors) in any order."""
        offsets = self._rows + offsets_of(lengths)
        size = self._dim * self._dtype.itemsize
        try:
            for i, matrix in vectors:
                self._file.seek(int(offsets[i]) * size)
                self._file.write(np.ascontiguousarray(matrix, dtype=self._dtype).tobytes())
            self._file.flush()
        except OSError as error:
            raise self._error(error) from error
        self._lengths.append(lengths)
        self._rows = int(offsets[-1])

    def blocks(self, most: int) -> Iterator[tuple[int, Ragged]]:
        """(number of the first text, texts) in order, with `most` tokens at a time, or one text."""
        lengths = np.concatenate(self._lengths) if self._lengths else np.zeros(0, dtype=np.int64)
        offsets = offsets_of(lengths)
        for start, stop in cuts(lengths, most):
            rows = int(offsets[stop] - offsets[start])
            mapped = np.memmap(
                self._file,
                self._dtype,
                "r",
                offset=int(offsets[start]) * self._dim * self._dtype.itemsize,
                shape=(rows, self._dim),
            )
            vectors = np.array(mapped, dtype=np.float32)
            del mapped  # unmapped at once, so that the pages do not count as memory of this process
            yield start, Ragged(vectors, offsets[start : stop + 1] - offsets[start])

    def _error(self, error: OSError) -> HarnessError:
        return HarnessError(
            f"token vectors cannot be kept in {self._folder}: {error.strerror or error}",
            "Name a folder with more space with scratch=, or store them in half the bytes with storage=float16.",
        )

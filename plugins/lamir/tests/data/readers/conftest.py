"""What the tests of readers share: writing a file, reading it, and being refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.rows import Kind, Row
from harness_lamir.recipe import Source

from harness.errors import UsageError


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Return a function that writes a file below a folder of the test's own, gzipped if its name says so."""

    def write(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return write


@pytest.fixture
def source() -> Callable[..., Source]:
    """Return a function that makes a source with some settings."""
    return lambda **settings: Source.model_validate(
        {"name": "test", "files": ["*"], "licence": "CC0 1.0", **settings},
    )


@pytest.fixture
def read(source: Callable[..., Source]) -> Callable[..., list[tuple[int, Row]]]:
    """Return a function that reads a whole file as rows of a kind."""

    def read(path: Path, kind: Kind, **settings: Any) -> list[tuple[int, Row]]:
        made = source(**settings)
        return list(reader_for(path, kind, made)(path, made))

    return read


@pytest.fixture
def refused(read: Callable[..., list[tuple[int, Row]]]) -> Callable[..., UsageError]:
    """Return a function that reads a file which must be refused: in one line, with a hint."""

    def refused(path: Path, kind: Kind, message: str, **settings: Any) -> UsageError:
        with pytest.raises(UsageError, match=message) as caught:
            read(path, kind, **settings)
        assert caught.value.hint
        assert "\n" not in caught.value.message
        return caught.value

    return refused

"""Result files on disk: where each belongs, atomic updates, and reading a whole folder of them."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from harness._util import fingerprint as fingerprints
from harness._util.atomic import write_text
from harness._util.names import file_slug
from harness.errors import DataError
from harness.results.schema import ResultFile

#: Characters of a name that go into one component of a path; file systems stop at 255 bytes.
_LONGEST = 100
_HASH = re.compile(r"[0-9a-f]{32,}")


class ResultStore:
    """Results below one folder: `<source>/<task>[--variant]/<split>/<encoder>-<fingerprint>[.dtype][.limit-N].json`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(
        self,
        *,
        source: str,
        task: str,
        variant: str,
        split: str,
        encoder: str,
        fingerprint: str,
        dtype: str = "float32",
        limit: int | None = None,
    ) -> Path:
        """The file of one encoder, task and split.

        The short fingerprint keeps two checkpoints of one name apart, and the dtype two precisions of one checkpoint.
        """
        folder = "--".join(component(part) for part in (task, variant) if part)
        partial = (f".{component(dtype)}" if dtype != "float32" else "") + (f".limit-{limit}" if limit else "")
        name = f"{file_slug(encoder)[:_LONGEST]}-{_short(fingerprint)}{partial}.json"
        return self.root / component(source) / folder / component(split) / name

    def read(self, path: Path) -> ResultFile | None:
        """The file at `path`; None when there is none, or none that this version can read: it is computed again."""
        try:
            return load(path)
        except (FileNotFoundError, DataError):
            return None

    def write(self, path: Path, result: ResultFile) -> None:
        """Write `result` to `path`, atomically."""
        write_text(path, dump(result))

    def update(self, path: Path, change: Callable[[ResultFile | None], ResultFile]) -> None:
        """Write `change(what is at path)`, atomically; two processes that add to one file lose nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.parent):
            self.write(path, change(self.read(path)))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process is in here for `folder`, where the platform can lock folders."""
    handle = None
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):  # Windows, and file systems without locks
        pass
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)  # and with it the lock


def component(name: str) -> str:
    """`name` as one path component; what had to be changed for that is told apart by a short hash."""
    slug = file_slug(name)[:_LONGEST]
    return slug if slug == name else f"{slug}-{fingerprints.of_json(name)[:8]}"


def _short(fingerprint: str) -> str:
    """Eight hex digits: the first of a hash, the hash's of what a plugin chose to write instead of one."""
    return (fingerprint if _HASH.fullmatch(fingerprint) else fingerprints.of_json(fingerprint))[:8]


def dump(result: ResultFile) -> str:
    """`result` as JSON text: indented, except that each list of per-query values takes one line."""
    value = result.model_dump(mode="json")
    place = secrets.token_hex(16)  # drawn anew, so that no name in the data can look like it
    queries: list[str] = []
    for subset in value["subsets"].values():
        for kind, scores in subset["per_query"].items():
            packed = {"ids": scores["ids"], "values": scores["values"]}
            subset["per_query"][kind] = f"{place}{len(queries)}"
            queries.append(json.dumps(packed, ensure_ascii=False, separators=(",", ":")))
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return re.sub(rf'"{place}(\d+)"', lambda match: queries[int(match[1])], text) + "\n"


def load(path: Path) -> ResultFile:
    """Read and validate one file. Raises FileNotFoundError, or DataError naming the file and the field."""
    try:
        return ResultFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: not a result of this schema: {place}: {first['msg']}") from error


def read_all(root: Path) -> list[ResultFile]:
    """Every result below `root`, in path order. Raises DataError for one that cannot be read."""
    return [load(path) for path in sorted(root.rglob("*.json"))]

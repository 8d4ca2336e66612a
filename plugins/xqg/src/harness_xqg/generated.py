"""Generated queries by passage, kept on disk: a corpus of millions has gigabytes of them.

The file is read once, in a stream. Its queries go to a temporary file without a name, and what stays in memory is 16
bytes of digest and 8 of offset for each passage.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness._util.fingerprint import Digests, digests
from harness._util.lines import read_json_lines, string_field, text_field, valid_text
from harness.errors import DataError, UsageError
from harness.sources.beir import read_passages
from harness.sources.corpus import Corpus

#: The queries of one passage, each with its language where the file says so.
Generated: TypeAlias = tuple[tuple[str, str | None], ...]

_KEYS = ("passage", "docid")
_BATCH = 8192


class GeneratedQueries:
    """The queries in `file`, by the text of the passage they were generated for.

    A line is `{"passage": text, "queries": [...]}` with the passage as the encoder reads it, or `{"docid": id,
    "queries": [...]}`, which needs `corpus` (a corpus.jsonl) and `template` to know the passage. A query is a string,
    or `{"text": …, "language": …}`. Of passages that read the same, the first one's queries count.

    Raises DataError with file and line for what is malformed or there twice, UsageError for a missing `corpus`.
    `fingerprint` is the SHA-256 of what was read: keys, queries, and with a corpus its passages.
    """

    def __init__(self, file: Path, corpus: Path | None = None, template: str = "{text}") -> None:
        self._file = file
        self._stored: Any = tempfile.TemporaryFile(prefix="harness-xqg-")  # noqa: SIM115  lives as long as we do
        self._sha = hashlib.sha256()
        key, keys, self._offsets = self._read()
        if key == "docid":
            if corpus is None:
                raise UsageError(
                    f"{file} names passages by docid, and nothing says what they read",
                    "Add -o corpus=path/to/corpus.jsonl and, if the task has one, its -o passage_template.",
                )
            keys, self._offsets = self._join(keys, corpus, template)
        elif corpus is not None:
            raise UsageError(f"{file} holds the passages themselves: -o corpus= has no use")
        self._keys = keys
        self.fingerprint = self._sha.hexdigest()

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, passages: Sequence[str]) -> list[Generated | None]:
        """The queries of each passage, None for one that the file does not have."""
        wanted = digests(passages)
        at = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
        offsets = np.where(self._keys[at] == wanted, self._offsets[at], -1)
        return [None if offset < 0 else self._load(offset) for offset in offsets.tolist()]

    def _load(self, offset: int) -> Generated:
        self._stored.seek(offset)
        return tuple((text, language) for text, language in json.loads(self._stored.readline()))

    def _read(self) -> tuple[str, Digests, NDArray[np.int64]]:
        """What the lines are keyed by, the sorted digests (n,) of the keys, and where the queries of each are (n,)."""
        kind = ""
        keys: list[Digests] = []
        offsets: list[int] = []
        numbers: list[int] = []
        rows = read_json_lines(self._file)
        while block := list(islice(rows, _BATCH)):
            texts = []
            for number, row in block:
                where = f"{self._file}:{number}"
                this, text = _key(row, where)
                if kind not in ("", this):
                    raise DataError(f"{where}: names a {this} where the lines before name a {kind}")
                kind = this
                texts.append(text)
                numbers.append(number)
                line = json.dumps(_queries(row, where), ensure_ascii=False).encode() + b"\n"
                offsets.append(self._stored.tell())
                self._stored.write(line)
                self._sha.update(json.dumps([this, text], ensure_ascii=False).encode() + line)
            keys.append(digests(texts))
        if not keys:
            raise DataError(f"{self._file}: no queries in it")
        joined = np.concatenate(keys)
        order = np.argsort(joined, kind="stable")
        twice = np.flatnonzero(joined[order][1:] == joined[order][:-1])
        if len(twice):
            first, second = numbers[order[twice[0]]], numbers[order[twice[0] + 1]]
            raise DataError(f"{self._file}:{second}: the same {kind} as in line {first}")
        return kind, joined[order], np.array(offsets, dtype=np.int64)[order]

    def _join(self, ids: Digests, corpus: Path, template: str) -> tuple[Digests, NDArray[np.int64]]:
        """Digests of ids turned into digests of what the passages of `corpus` read."""
        keys, offsets = [np.empty(0, ids.dtype)], [np.empty(0, np.int64)]
        for names, texts in _rendered(corpus, template):
            wanted = digests(names)
            at = np.searchsorted(ids, wanted).clip(max=len(ids) - 1)
            found = ids[at] == wanted
            keys.append(digests(texts)[found])
            offsets.append(self._offsets[at][found])
            self._sha.update(keys[-1].tobytes())
        joined = np.concatenate(keys)
        if not len(joined):
            raise DataError(f"{self._file}: none of its docids is in {corpus}")
        distinct, first = np.unique(joined, return_index=True)
        return distinct, np.concatenate(offsets)[first]


def _rendered(corpus: Path, template: str) -> Iterator[tuple[list[str], list[str]]]:
    """(ids, what the encoder reads) of the passages of `corpus`, a block at a time."""
    passages = read_passages(corpus)
    while block := list(islice(passages, _BATCH)):
        ids = [passage.id for passage in block]
        titles, texts = [passage.title for passage in block], [passage.text for passage in block]
        try:
            rendered = [text for batch in Corpus(ids, titles, texts).render_all(template) for text in batch]
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(f"passage_template {template!r}: only {{title}} and {{text}} can be filled in") from error
        yield ids, rendered


def _key(row: dict[str, Any], where: str) -> tuple[str, str]:
    present = [key for key in _KEYS if key in row]
    if len(present) != 1:
        raise DataError(f"{where}: exactly one of 'passage' and 'docid' is expected, found {sorted(row)}")
    read = text_field if present == ["passage"] else string_field
    return present[0], read(row, present[0], where)


def _queries(row: dict[str, Any], where: str) -> list[tuple[str, str | None]]:
    queries = row.get("queries")
    if not isinstance(queries, list):
        raise DataError(f"{where}: 'queries' must be a list, not {type(queries).__name__}")
    out: list[tuple[str, str | None]] = []
    for query in queries:
        if isinstance(query, str):
            out.append((valid_text(query, "a query", where), None))
        elif isinstance(query, dict) and set(query) <= {"text", "language"}:
            language = string_field(query, "language", where) if query.get("language") is not None else None
            out.append((text_field(query, "text", where), language))
        else:
            raise DataError(f"{where}: a query is a string or has 'text' and 'language', not {query!r:.80}")
    return out

"""Real files: every row that is in them, and nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_lamir.data.readers import FORMATS, entries, language_of, reader_for
from harness_lamir.data.rows import Kind, Multiway, Pair, Row, Text, Translation, texts_of
from harness_lamir.recipe import Source

Read = Callable[..., list[tuple[int, Row]]]


def plainly(path: Path) -> list[str]:
    """The lines of a gzipped file, read without any of our code."""
    return gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]


@pytest.mark.parametrize("folder", ["parallel/tatoeba", "parallel/tico19", "parallel/quran"])
def test_parallel(real_data: Path, read: Read, folder: str) -> None:
    """Each line of each file is a translation into the language that the file is named after."""
    paths = sorted((real_data / folder).glob("*.tsv.gz"))
    assert len(paths) >= 9
    for path in paths:
        found = read(path, "parallel")
        language = path.name.removesuffix(".tsv.gz")
        assert language_of(path) == language
        cells = [tuple(cell.strip() for cell in line.split("\t")) for line in plainly(path)]
        assert [(row.english, row.other) for _, row in found if isinstance(row, Translation)] == cells
        assert {row.language for _, row in found} == {language}
        assert [line for line, _ in found] == list(range(1, len(cells) + 1))


def test_a_column_as_text(real_data: Path, read: Read) -> None:
    """The other side of translations, alone."""
    path = min((real_data / "parallel/quran").glob("*.tsv.gz"))
    expected = [Text(line.split("\t")[1].strip(), language_of(path)) for line in plainly(path)]
    assert [row for _, row in read(path, "text", column=2)] == expected


def test_english_pairs(real_data: Path, read: Read) -> None:
    """Definitions are pairs without titles, AfriQA's passages have theirs; both are English."""
    path = real_data / "lexical/definitions/en.tsv.gz"
    assert [row for _, row in read(path, "ir")] == [
        Pair(*(cell.strip() for cell in line.split("\t")))
        for line in plainly(path)  # type: ignore[arg-type]
    ]
    path = real_data / "training/english-ir/afriqa-train.jsonl.gz"
    found = [row for _, row in read(path, "ir")]
    records = [json.loads(line) for line in plainly(path)]
    assert len(found) == len(records) == 1804
    for row, record in zip(found, records, strict=True):
        assert row == Pair(
            record["query"].strip(), f"{record['title'].strip()}\n\n{record['positive'].strip()}".strip()
        )


def test_beir(real_data: Path, read: Read, source: Callable[..., Source]) -> None:
    """Every judgement of ARCD is a pair of an Arabic question and its titled passage."""
    folder = real_data / "retrieval/arcd/ar"
    (path,) = entries([folder / "corpus.jsonl.gz"], "ir", source())
    corpus, queries = (
        {record["_id"]: record for record in map(json.loads, plainly(folder / f"{name}.jsonl.gz"))}
        for name in ("corpus", "queries")
    )
    found = read(path, "ir")
    judged = (folder / "qrels/test.tsv").read_text().splitlines()
    assert len(found) == len(judged) - 1 == 1395
    for line, row in found:
        query, passage, _ = judged[line - 1].split("\t")
        text = f"{corpus[passage]['title'].strip()}\n\n{corpus[passage]['text'].strip()}"
        assert row == Pair(queries[query]["text"].strip(), text, (), "ar")


def test_joined(real_data: Path, source: Callable[..., Source]) -> None:
    """TICO-19 is the same sentences in 36 languages: every line of its files is in a row, and no other text."""
    paths = sorted((real_data / "parallel/tico19").glob("*.tsv.gz"))
    join = FORMATS["joined"].join
    assert join is not None
    found = [row for _, row in join(paths, source(format="joined"))]
    assert sum(len(row.languages) > 20 for row in found if isinstance(row, Multiway)) > 2000
    pairs = {
        (language_of(path), *(cell.strip() for cell in line.split("\t"))) for path in paths for line in plainly(path)
    }
    english = {pair[1] for pair in pairs}
    assert len(found) == len(english) == len({row.texts[0] for row in found if isinstance(row, Multiway)})
    joined = set()
    for row in found:
        assert isinstance(row, Multiway)
        assert row.languages[0] == "en"
        assert len(set(row.languages)) == len(row.languages) == len(row.texts) >= 2
        joined |= {(code, row.texts[0], text) for code, text in zip(row.languages[1:], row.texts[1:], strict=True)}
    assert joined <= pairs
    assert {pair[:2] for pair in joined} == {pair[:2] for pair in pairs}


@pytest.mark.parametrize("kind", ["parallel", "ir"])
def test_every_file_of_pairs_can_be_read(real_data: Path, source: Callable[..., Source], kind: Kind) -> None:
    """None of the other real files is refused, and no text in them is blank."""
    pattern = {"parallel": "lexical/[!d]*/*.tsv.gz", "ir": "retrieval/*/*/corpus.jsonl.gz"}[kind]
    found = sorted(real_data.glob(pattern))[:: 4 if kind == "parallel" else 1]
    assert found
    for path in entries(found, kind, source()):
        rows = [row for _, row in reader_for(path, kind, source())(path, source())]
        assert rows
        assert all(text.strip() == text != "" for row in rows for text in texts_of(row))

"""BEIR files: what well-formed ones mean, and the one clear message for each way of being malformed."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from beir.datasets.data_loader import GenericDataLoader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.sources import Queries, beir
from harness.sources.beir import BeirFolder
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import CorpusCache
from harness.sources.tree import TreeFile, list_tree

Rows = list[dict[str, str]]

#: Every reading is a new one; files written in one tick of the clock look alike.
_KEYS = count()
_CORPUS = {"d1": "first passage", "d2": "2nd – पाठ", "d3": "third\u2028line"}
_QUERIES = {"q1": "which?", "q2": "何", "q3": "never judged"}
_QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d3": 1}}


def _at(folder: Path) -> BeirFolder:
    """The subset in `folder`."""
    return beir.folders(folder, list_tree(folder, folder / ".cache"))[()]


def _read_queries(folder: Path) -> Queries:
    return beir.read_queries(_at(folder))


def _read_qrels(folder: Path, split: str, queries: Iterable[str], corpus: Corpus) -> dict[str, dict[str, int]]:
    return beir.read_qrels(_at(folder), split, set(queries), corpus)


def _splits(folder: Path) -> tuple[str, ...]:
    return beir.splits(_at(folder))


def _corpus_file(folder: Path) -> TreeFile:
    return _at(folder).find("corpus.jsonl")


def _passages(folder: Path) -> Rows:
    """The passages in the corpus file of `folder`, as rows, converted as a run converts them."""
    path = _corpus_file(folder)
    corpus = CorpusCache(folder / ".cache").corpus(next(_KEYS), lambda: beir.read_passages(path))
    return [row for _, batch in corpus.batches() for row in batch.to_pylist()]


def _corpus(ids: Iterable[str]) -> Corpus:
    """A corpus with passages of these ids."""
    names = list(ids)
    return Corpus(names, [""] * len(names), ["text"] * len(names))


_IN_CORPUS = _corpus(_CORPUS)


@pytest.fixture
def folder(tmp_path: Path, write_subset: Callable[..., Path]) -> Path:
    """A well-formed subset, plain."""
    return write_subset(tmp_path / "subset", _CORPUS, _QUERIES, _QRELS, titles={"d2": "Title"})


@pytest.mark.parametrize("zipped", [False, True])
def test_well_formed_files(tmp_path: Path, write_subset: Callable[..., Path], zipped: bool) -> None:
    """Ids, titles, texts and grades are read as they stand, plain or gzipped, explicit zeros kept."""
    folder = write_subset(tmp_path / "s", _CORPUS, _QUERIES, _QRELS, titles={"d2": "Title"}, zipped=zipped)
    queries = _read_queries(folder)
    titles = {"d2": "Title"}
    assert _passages(folder) == [{"id": i, "title": titles.get(i, ""), "text": text} for i, text in _CORPUS.items()]
    assert [passage.where for passage in beir.read_passages(_corpus_file(folder))] == [
        f"{_corpus_file(folder)}:{line}" for line in (1, 2, 3)
    ]
    assert dict(zip(queries.ids, queries.texts, strict=True)) == _QUERIES
    assert _read_qrels(folder, "test", _QUERIES, _IN_CORPUS) == _QRELS


def test_agrees_with_beir(folder: Path) -> None:
    """BEIR's own loader reads the same documents, queries and judgements from the same folder."""
    documents, judged, qrels = GenericDataLoader(str(folder)).load("test")
    queries, rows = _read_queries(folder), _passages(folder)
    assert {row["id"]: {"title": row["title"], "text": row["text"]} for row in rows} == documents
    found = _read_qrels(folder, "test", set(queries.ids), _corpus(row["id"] for row in rows))
    assert found == qrels
    kept = queries.keep(set(found))
    assert dict(zip(kept.ids, kept.texts, strict=True)) == judged


def test_agrees_with_beir_on_real_data(shared_data: Path, tmp_path: Path) -> None:
    """The same on a real collection, unpacked for BEIR and gzipped for us."""
    source = shared_data / "retrieval" / "xquad" / "ar"
    (tmp_path / "qrels").mkdir()
    for path in [*source.glob("*.jsonl.gz"), *source.glob("qrels/*")]:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (tmp_path / path.relative_to(source).with_name(path.name.removesuffix(".gz"))).write_bytes(data)
    documents, judged, qrels = GenericDataLoader(str(tmp_path)).load(_splits(source)[0])
    rows = _passages(source)
    assert {row["id"]: row["text"] for row in rows} == {name: row["text"] for name, row in documents.items()}
    assert _read_qrels(source, _splits(source)[0], judged, _corpus(documents)) == qrels
    queries = _read_queries(source).keep(set(qrels))
    assert dict(zip(queries.ids, queries.texts, strict=True)) == judged


_VARIANTS = {
    "no header": b"q1\td1\t2\nq1\td2\t0\nq2\td3\t1\n",
    "header with underscores": b"query_id\tcorpus_id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td3\t1\n",
    "Windows line ends": b"query-id\tcorpus-id\tscore\r\nq1\td1\t2\r\nq1\td2\t0\r\nq2\td3\t1\r\n",
    "byte order mark": b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td3\t1\n",
    "blank lines, no last line end": b"\nq1\td1\t2\n\nq1\td2\t0\nq2\td3\t1",
}


@pytest.mark.parametrize("data", _VARIANTS.values(), ids=_VARIANTS.keys())
def test_harmless_variants_of_judgements(folder: Path, data: bytes) -> None:
    """Header or none, line ends of any system, a byte order mark, blank lines: the judgements are the same."""
    (folder / "qrels" / "test.tsv").write_bytes(data)
    assert _read_qrels(folder, "test", _QUERIES, _IN_CORPUS) == _QRELS


def test_ids_may_be_numbers_and_titles_absent(folder: Path) -> None:
    """JSON numbers as ids read as their digits; a title that is missing or null is empty; other fields are ignored."""
    lines = ['{"_id": 7, "text": "x"}', '{"_id": "8", "title": null, "text": "y", "url": "z"}']
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    assert _passages(folder) == [
        {"id": "7", "title": "", "text": "x"},
        {"id": "8", "title": "", "text": "y"},
    ]


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


#: Lines of corpus.jsonl and queries.jsonl: the bad second line, and what the message says after file and line.
_BAD_LINES = {
    "broken JSON": (b'{"_id": "x", "text": ', ":2: not valid JSON"),
    "two objects in one line": (b'{"_id": "x", "text": "a"}{}', ":2: not valid JSON"),
    "endless nesting": (b"[" * 100_000, ":2: not valid JSON"),
    "a number too long to read": (b'{"_id": ' + b"9" * 5_000 + b"}", ":2: not valid JSON"),
    "not an object": (b'["x", "a"]', ":2: a JSON object is expected, not list"),
    "no id": (_json(id="x", text="a"), ":2: no '_id' field"),
    "empty id": (_json(_id="", text="a"), ":2: '_id' must be a non-empty string, not ''"),
    "null id": (_json(_id=None, text="a"), ":2: '_id' must be a non-empty string, not None"),
    "boolean id": (_json(_id=True, text="a"), ":2: '_id' must be a non-empty string, not True"),
    "id with a lone surrogate": (_json(_id="\ud800", text="a"), ":2: '_id' holds a lone surrogate"),
    "no text": (_json(_id="x"), ":2: 'text' must be a string"),
    "text is a number": (_json(_id="x", text=3), ":2: 'text' must be a string, not int"),
    "empty text": (_json(_id="x", text=""), ":2: empty text"),
    "blank text": (_json(_id="x", text=" \t\u00a0"), ":2: empty text"),
    "text with a lone surrogate": (_json(_id="x", text="a\ud800"), ":2: text holds a lone surrogate"),
    "invalid UTF-8": (b'{"_id": "x", "text": "caf\xe9"}', ":2: not UTF-8"),
    "UTF-16": ('{"_id": "x"}'.encode("utf-16"), ":2: not UTF-8"),
}


@pytest.mark.parametrize("name, read", [("corpus.jsonl", _passages), ("queries.jsonl", _read_queries)])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("line, message", _BAD_LINES.values(), ids=_BAD_LINES.keys())
def test_bad_line_is_refused(
    tmp_path: Path, name: str, read: Callable[[Path], object], zipped: bool, line: bytes, message: str
) -> None:
    """Every malformed line of corpus or queries is one DataError that names file and line."""
    data = _json(_id="first", text="fine") + b"\n" + line + b"\n" + _json(_id="last", text="fine") + b"\n"
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.message.startswith(f"{path}{message}")
    assert "\n" not in caught.value.message


def test_ids_that_are_there_twice(tmp_path: Path) -> None:
    """An id that two passages or two queries have is refused, naming both places."""
    line = _json(_id="first", text="a") + b"\n"
    for name, read, message in (
        ("corpus.jsonl", _passages, "{path}:2: passage id 'first' was used in {path}:1 already"),
        ("queries.jsonl", _read_queries, "{path}:2: id 'first' was used in line 1 already"),
    ):
        (tmp_path / name).write_bytes(line * 2)
        with pytest.raises(DataError) as caught:
            read(tmp_path)
        assert caught.value.message == message.format(path=tmp_path / name)


def test_title_with_a_lone_surrogate_is_refused(tmp_path: Path) -> None:
    """Titles are text too: one that no encoding can write is refused by line."""
    (tmp_path / "corpus.jsonl").write_bytes(_json(_id="x", title="a\ud800", text="b") + b"\n")
    with pytest.raises(DataError, match=r"corpus\.jsonl:1: .*lone surrogate"):
        _passages(tmp_path)


_BAD_QRELS = {
    "two columns": (b"q1\td1", ":3: 2 tab-separated fields"),
    "four columns, as TREC has": (b"q1\t0\td1\t1", ":3: 4 tab-separated fields"),
    "spaces for tabs": (b"q1 d1 1", ":3: 1 tab-separated fields"),
    "fraction as grade": (b"q2\td3\t0.5", ":3: grade '0.5' is not an integer"),
    "word as grade": (b"q2\td3\tyes", ":3: grade 'yes' is not an integer"),
    "a grade that trec_eval reserves gigabytes for": (b"q2\td3\t999999999", ":3: grade 999999999 is beyond 127"),
    "no grade": (b"q2\td3\t", ":3: grade '' is not an integer"),
    "a second header": (b"query-id\tcorpus-id\tscore", ":3: judges query 'query-id'"),
    "unknown query": (b"q9\td1\t1", ":3: judges query 'q9', which is not among the queries"),
    "unknown passage": (b"q2\td9\t1", ":3: query 'q2' is judged on passage 'd9', which is not in the corpus"),
    "judged twice": (b"q1\td1\t0", ":3: query 'q1' judges passage 'd1' twice"),
    "invalid UTF-8": (b"q2\td\xff\t1", ":3: not UTF-8"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("line, message", _BAD_QRELS.values(), ids=_BAD_QRELS.keys())
def test_bad_judgement_is_refused(folder: Path, zipped: bool, line: bytes, message: str) -> None:
    """Every malformed judgement is one DataError that names file and line."""
    path = folder / "qrels" / "test.tsv"
    path.unlink()
    path = path.with_name("test.tsv.gz") if zipped else path
    data = b"query-id\tcorpus-id\tscore\nq1\td1\t1\n" + line + b"\n"
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(DataError) as caught:
        _read_qrels(folder, "test", _QUERIES, _IN_CORPUS)
    assert caught.value.message.startswith(f"{path}{message}")


_READERS: dict[str, Callable[[Path], object]] = {
    "corpus.jsonl": _passages,
    "queries.jsonl": _read_queries,
    "qrels/test.tsv": lambda folder: _read_qrels(folder, "test", _QUERIES, _IN_CORPUS),
}


@pytest.mark.parametrize("name", _READERS)
def test_both_plain_and_gzipped(folder: Path, name: str) -> None:
    """A file that is there twice is refused: nobody knows which one is meant."""
    (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    with pytest.raises(DataError, match=r"holds both .* and .*\.gz") as caught:
        _READERS[name](folder)
    assert Path(name).name in caught.value.message


@pytest.mark.parametrize("name", _READERS)
def test_missing_file(folder: Path, name: str) -> None:
    """A file that is not there is named."""
    (folder / name).unlink()
    with pytest.raises(DataError) as caught:
        _READERS[name](folder)
    expected = f"{folder}: no judgements" if name.startswith("qrels") else f"{folder / name}: no such file (nor "
    assert caught.value.message.startswith(expected)


@pytest.mark.parametrize("data", [b"", b"\n\n"])
@pytest.mark.parametrize("name", _READERS)
def test_file_without_rows(folder: Path, name: str, data: bytes) -> None:
    """An empty corpus, query file or judgement file is refused, not scored as zero queries."""
    (folder / name).write_bytes(data)
    with pytest.raises(DataError, match=r"in it$"):
        _READERS[name](folder)


def test_header_without_judgements(folder: Path) -> None:
    """A header alone is an empty file."""
    (folder / "qrels" / "test.tsv").write_bytes(b"query-id\tcorpus-id\tscore\n")
    with pytest.raises(DataError, match=r"test\.tsv: no judgements in it"):
        _READERS["qrels/test.tsv"](folder)


@pytest.mark.parametrize("name", _READERS)
def test_truncated_gzip(folder: Path, name: str) -> None:
    """A download that stopped anywhere is refused, naming the file."""
    data = gzip.compress((folder / name).read_bytes())
    (folder / name).unlink()
    path = folder / f"{name}.gz"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(DataError) as caught:
            _READERS[name](folder)
        assert caught.value.message.startswith(str(path))


def test_bit_flips_in_gzip(folder: Path) -> None:
    """Any single flipped bit is either harmless (the passages read the same) or refused, naming the file."""
    plain = folder / "corpus.jsonl"
    expected = _passages(folder)
    data = gzip.compress(plain.read_bytes(), mtime=0)
    plain.unlink()
    path = folder / "corpus.jsonl.gz"
    refused = 0
    for at in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            assert _passages(folder) == expected
        except DataError as error:
            refused += 1
            assert str(path) in error.message
    assert refused >= (len(data) - 10) * 8  # everything but the ten bytes of the header


def test_plain_text_called_gz(folder: Path) -> None:
    """A plain file under a .gz name, as a browser leaves it that has unpacked it, is read as what it is."""
    expected = _passages(folder)
    (folder / "corpus.jsonl").rename(folder / "corpus.jsonl.gz")
    assert _passages(folder) == expected


#: Files of JSON lines whose fields hold whatever JSON can.
_VALUES = st.text(st.characters()) | st.integers() | st.none()
_ROWS = st.lists(st.dictionaries(st.sampled_from(["_id", "title", "text"]), _VALUES), max_size=3).map(
    lambda rows: "\n".join(map(json.dumps, rows)).encode()
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60) | _ROWS)
def test_no_bytes_crash_the_reader(tmp_path: Path, data: bytes) -> None:
    """Whatever stands in the file, it is read or refused with a DataError; nothing else escapes."""
    (tmp_path / "corpus.jsonl").write_bytes(data)
    (tmp_path / "queries.jsonl").write_bytes(data)
    for read in (_passages, _read_queries):
        try:
            rows = read(tmp_path)
        except DataError as error:
            assert str(tmp_path) in error.message
        else:
            assert len(rows) == len([line for line in data.split(b"\n") if line.strip()])  # type: ignore[arg-type]


def test_splits_are_the_judgement_files(folder: Path) -> None:
    """Splits are qrels/*.tsv and *.tsv.gz; backups, hidden files and others are none."""
    for name in ("dev.tsv.gz", "test.tsv.bak", "._test.tsv", "train.txt", "notes.tsv.gz.part"):
        (folder / "qrels" / name).write_bytes(b"")
    assert _splits(folder) == ("dev", "test")


def test_unknown_split_is_refused(folder: Path) -> None:
    """A split without judgements is refused, and those that are there are suggested."""
    with pytest.raises(DataError, match="no judgements for split 'tset'") as caught:
        _read_qrels(folder, "tset", _QUERIES, _IN_CORPUS)
    assert caught.value.hint == "Did you mean 'test'?"


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz", "queries.jsonl", "queries.jsonl.gz"])
def test_what_is_a_subset(tmp_path: Path, name: str) -> None:
    """A folder with a corpus or queries is a subset, even when the other one is missing."""
    assert beir.folders(tmp_path, list_tree(tmp_path, tmp_path / ".cache")) == {}
    (tmp_path / name).touch()
    assert list(_at(tmp_path).files) == [name]


def _packed(folder: Path, archive: Path) -> None:
    """Pack the files below `folder` into a zip archive."""
    with zipfile.ZipFile(archive, "w") as packing:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packing.write(path, path.relative_to(folder).as_posix())


def test_one_subset_in_two_archives_is_refused(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """Queries of one copy are never paired with the passages of another."""
    for copy in ("v1", "v2"):
        write_subset(tmp_path / copy / "sw", _CORPUS, _QUERIES, _QRELS)
        (tmp_path / "data").mkdir(exist_ok=True)
        _packed(tmp_path / copy, tmp_path / "data" / f"{copy}.zip")
    with pytest.raises(DataError) as caught:
        beir.folders(tmp_path / "data", list_tree(tmp_path / "data", tmp_path / "cache"))
    assert caught.value.message == (
        f"{tmp_path}/data: sw/corpus.jsonl is there twice: v1.zip/sw/corpus.jsonl and v2.zip/sw/corpus.jsonl"
    )


@pytest.mark.parametrize("name", ["aa.zip", "zz.zip"])
def test_an_unpacked_folder_beside_its_archive(tmp_path: Path, write_subset: Callable[..., Path], name: str) -> None:
    """What lies unpacked is taken, and of the archive nothing, whatever it is called."""
    write_subset(tmp_path / "old" / "sw", {"d1": "old"}, {"q1": "old?"}, {"q1": {"d1": 1}}, split="dev")
    write_subset(tmp_path / "data" / "sw", _CORPUS, _QUERIES, _QRELS)
    _packed(tmp_path / "old", tmp_path / "data" / name)
    found = beir.folders(tmp_path / "data", list_tree(tmp_path / "data", tmp_path / "cache"))
    assert {key: sorted(folder.files) for key, folder in found.items()} == {
        ("sw",): ["corpus.jsonl", "qrels/test.tsv", "queries.jsonl"]
    }
    assert all(file.member is None for file in found["sw",].files.values())
    assert found["sw",].place == f"{tmp_path}/data/sw"


def test_judgements_beside_an_archive_are_added(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """A split of one's own for a packed subset lies in a folder of its name."""
    write_subset(tmp_path / "new" / "sw", _CORPUS, _QUERIES, _QRELS)
    (tmp_path / "data" / "sw" / "qrels").mkdir(parents=True)
    (tmp_path / "data" / "sw" / "qrels" / "mine.tsv").write_text("q1\td1\t1\n", "utf-8")
    _packed(tmp_path / "new", tmp_path / "data" / "new.zip")
    found = beir.folders(tmp_path / "data", list_tree(tmp_path / "data", tmp_path / "cache"))
    assert beir.splits(found["sw",]) == ("mine", "test")

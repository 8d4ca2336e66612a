"""Runs and judgements in TREC's formats: what is read, what is refused, and that nothing changes on the way."""

from __future__ import annotations

import gzip
import io
import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness._util import lines
from harness.errors import DataError
from harness.results.trec import read_qrels, read_run, write_qrels, write_run


class Memory:
    """Bytes as a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __str__(self) -> str:
        return "memory"

    def open(self) -> io.BytesIO:
        """A new stream."""
        return io.BytesIO(self._data)


def _put(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(text.encode())
    return path


def test_run_is_read_as_trec_eval_reads_it(tmp_path: Path) -> None:
    """Any ASCII white space separates, the rank is ignored, comments and blank lines are no hits."""
    path = _put(
        tmp_path,
        "# made by hand\n"
        "q1 Q0 15607#5 9 1.5 tag\n"
        "  q1\tQ0 \t 15607#10\t1\t-2e-3\ttag  \r\n"
        "\n"
        "2 Q0 d\u00a0e\u3000f nonsense +.5 tag",
    )
    assert read_run(path) == {"q1": {"15607#5": 1.5, "15607#10": -0.002}, "2": {"d\u00a0e\u3000f": 0.5}}


def test_qrels_are_read_as_trec_eval_reads_them(tmp_path: Path) -> None:
    """Tabs or spaces, explicit zeros and negative grades; the second column means nothing."""
    path = _put(tmp_path, "q1\tQ0\t39#0\t1\nq1 0 39#1 0\nq1 whatever 39#2 -2\nq2 0 39#0 +3\n")
    assert read_qrels(path) == {"q1": {"39#0": 1, "39#1": 0, "39#2": -2}, "q2": {"39#0": 3}}


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    """Gzip data is known by its first bytes."""
    for name in ("run.txt.gz", "run.txt"):
        (tmp_path / name).write_bytes(gzip.compress(b"q Q0 d 1 0.5 t\n"))
        assert read_run(tmp_path / name) == {"q": {"d": 0.5}}


GOOD = "q1 Q0 a 1 2.0 t\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 b 2 1.0", "5 field(s) where 6 are expected: query, Q0, passage, rank, score, tag"),
        ("q1 Q0 New York 2 1.0 t", "Ids and tags cannot hold white space"),
        ("q1 0 b 1", "This looks like judgements"),
        ('[{"id": "q1"}]', "This looks like JSON"),
        ("q1 Q0 a 2 1.0 t", "query 'q1' has passage 'a' a second time"),
        ("q1 Q0 b 2 nan t", "score 'nan' is not a finite number"),
        ("q1 Q0 b 2 -inf t", "score '-inf'"),
        ("q1 Q0 b 2 1e400 t", "score '1e400'"),
        ("q1 Q0 b 2 1_0 t", "score '1_0'"),
        ("q1 Q0 b 2 0x1p3 t", "score '0x1p3'"),
        ("q1 Q0 b 2 1,5 t", "score '1,5'"),
        ("q1 Q0 b 2 ١٢ t", "score '١٢'"),
        ("q1 Q0 b\0c 2 1 t", "NUL"),
    ],
)
def test_a_malformed_run_is_refused(tmp_path: Path, line: str, message: str) -> None:
    """What trec_eval would count as 0 or shift by a column names its file and line."""
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_run(_put(tmp_path, f"# comment\n{GOOD}\n{line}\n"))
    assert str(caught.value).startswith(f"{tmp_path / 'file.txt'}:4: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 0 b", "3 field(s) where 4 are expected: query, iteration, passage, grade\n  Judgements in BEIR layout"),
        ("q1 0 b 1 extra", "5 field(s)"),
        ("q1 0 a 1", "query 'q1' judges passage 'a' a second time"),
        ("q1 0 a 0", "query 'q1' judges passage 'a' a second time"),
        ("q1 0 b 1.0", "grade '1.0' is not an integer from -127 to 127"),
        ("q1 0 b x", "grade 'x'"),
        ("q1 0 b 128", "grade '128'"),
        ("q1 0 b 99999999999", "grade '99999999999'"),
    ],
)
def test_malformed_judgements_are_refused(tmp_path: Path, line: str, message: str) -> None:
    """A passage judged twice as well, whether or not the grades agree: trec_eval stops at both."""
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_qrels(_put(tmp_path, f"q1 0 a 1\n{line}\n"))
    assert str(caught.value).startswith(f"{tmp_path / 'file.txt'}:2: ")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_file_with_nothing_in_it_is_refused(tmp_path: Path, text: str) -> None:
    """No hits and no judgements are mistakes, as for trec_eval."""
    with pytest.raises(DataError, match="no hits in it"):
        read_run(_put(tmp_path, text))
    with pytest.raises(DataError, match="no judgements in it"):
        read_qrels(_put(tmp_path, text))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(DataError, match=r"none\.txt"):
        read_run(tmp_path / "none.txt")


def test_the_written_run(tmp_path: Path) -> None:
    """Queries as given, scores and then ids descending, ranks from 1, scores to the last digit."""
    write_run(tmp_path / "run.txt", {"b": {"x#9": 0.1, "x#10": 0.1, "é": 0.1}, "a": {"x": -1.0, "y": 1e-300}}, "mine")
    assert (tmp_path / "run.txt").read_text("utf-8") == (
        "b Q0 é 1 0.1 mine\nb Q0 x#9 2 0.1 mine\nb Q0 x#10 3 0.1 mine\na Q0 y 1 1e-300 mine\na Q0 x 2 -1.0 mine\n"
    )


@pytest.mark.parametrize("bad", ["", " ", "a b", "a\tb", "a\nb", "a\x0bb", "a\0b", "\ud800"])
@pytest.mark.parametrize("place", ["query", "passage", "tag", "judged query", "judged passage"])
def test_what_the_format_cannot_hold_is_not_written(tmp_path: Path, bad: str, place: str) -> None:
    """It is refused before anything is written: the old file stays as it was."""
    path = _put(tmp_path, "old")
    with pytest.raises(DataError):
        if place == "query":
            write_run(path, {"q": {"d": 1.0}, bad: {"d": 1.0}}, "t")
        elif place == "passage":
            write_run(path, {"q": {"d": 1.0, bad: 1.0}}, "t")
        elif place == "tag":
            write_run(path, {"q": {"d": 1.0}}, bad)
        elif place == "judged query":
            write_qrels(path, {"q": {"d": 1}, bad: {"d": 1}})
        else:
            write_qrels(path, {"q": {"d": 1, bad: 1}})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("query", ["#1", "\ufeffq"])
def test_a_query_that_would_not_be_read_back_is_not_written(tmp_path: Path, query: str) -> None:
    """A number sign begins a comment, and the byte order mark belongs to the file."""
    with pytest.raises(DataError, match="would not be read back"):
        write_run(tmp_path / "run.txt", {query: {"d": 1.0}}, "t")
    with pytest.raises(DataError, match="would not be read back"):
        write_qrels(tmp_path / "qrels.txt", {query: {"d": 1}})


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_not_written(tmp_path: Path, score: float) -> None:
    """Nor is a grade beyond trec_eval's range."""
    with pytest.raises(DataError, match="not a finite number"):
        write_run(tmp_path / "run.txt", {"q": {"d": score}}, "t")
    with pytest.raises(DataError, match="128"):
        write_qrels(tmp_path / "qrels.txt", {"q": {"d": 128}})
    assert list(tmp_path.iterdir()) == []


_field = st.text(
    st.characters(exclude_characters="\t\n\x0b\x0c\r \0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
_query = _field.filter(lambda text: text[0] not in "#\ufeff")
_run = st.dictionaries(
    _query,
    st.dictionaries(_field, st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)
_qrels = st.dictionaries(
    _query, st.dictionaries(_field, st.integers(-127, 127), min_size=1, max_size=5), min_size=1, max_size=4
)


@given(run=_run, tag=_field)
@example(run={"\u3000": {"\x85": 5e-324}}, tag="\x1c")
def test_a_run_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, run: dict, tag: str) -> None:  # type: ignore[type-arg]
    """Whatever can be written is read back equal, scores to the last bit and queries in order."""
    path = tmp_path_factory.mktemp("run") / "run.txt"
    write_run(path, run, tag)
    back = read_run(path)
    assert back == run and list(back) == list(run)
    ranks = [line.split(" ")[3] for line in path.read_text("utf-8").split("\n")[:-1]]
    assert ranks == [str(i) for hits in run.values() for i in range(1, len(hits) + 1)]


@given(qrels=_qrels)
def test_judgements_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, qrels: dict) -> None:  # type: ignore[type-arg]
    """Whatever can be written is read back equal."""
    path = tmp_path_factory.mktemp("qrels") / "qrels.txt"
    write_qrels(path, qrels)
    assert read_qrels(path) == qrels


VALID = "".join(f"q{i % 3} Q0 dé{i}#7 {i} {i / 7} t\n" for i in range(12)).encode()
VALID_QRELS = "".join(f"q{i % 3}\t0\tdé{i}#7\t{i % 2}\n" for i in range(12)).encode()


@given(data=st.data(), judgements=st.booleans(), zipped=st.booleans())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject, judgements: bool, zipped: bool) -> None:
    """Cut short, with a bit turned over or foreign bytes in it, a file is an error with its name or is read."""
    valid = VALID_QRELS if judgements else VALID
    raw = bytearray(gzip.compress(valid, mtime=0) if zipped else valid)
    damage = data.draw(st.sampled_from(["cut", "bit", "bytes", "latin-1", "utf-16"]))
    place = data.draw(st.integers(0, len(raw) - 1))
    if damage == "cut":
        del raw[place:]
    elif damage == "bit":
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "bytes":
        raw[place:place] = data.draw(st.binary(min_size=1, max_size=6))
    else:
        raw[place:place] = "q9 Q0 dü 1 1 t\n".encode(damage)
    try:
        found = (read_qrels if judgements else read_run)(Memory(bytes(raw)))
    except DataError as error:
        assert re.match(r"memory(:\d+: |: damaged after line \d+|: no )", str(error)), error
    else:
        assert found and all(found.values())


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of more than the limit is refused with its number, not read into memory."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 10)
    with pytest.raises(DataError, match="memory:13: a line of more than"):
        read_run(Memory(VALID + b"q" * 5000))

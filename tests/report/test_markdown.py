"""Tables as Markdown, whole and byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

from harness.report import markdown
from harness.report.tables import build
from harness.results.schema import ResultFile

Make = Callable[..., ResultFile]

EXPECTED = """\
| Encoder | Avg | sw | te | yo | Coverage |
| --- | ---: | ---: | ---: | ---: | ---: |
| alpha | **50.0** | 20.0 | **40.0** | **90.0** | 3/3 |
| beta † | 23.4 | **30.1** | 30.0 | 10.0 | 3/3 |
| delta ‡ | – | – | – | 0.0 | 1/3 |
| gam\\|ma ‡ | – | 5.0 | failed | declined | 1/3 |
| *queries* |  | 2 | 2 | 2 |  |
| *passages* |  | 40 | 40 | 40 |  |"""

ENCODERS = """\
| Encoder | Plugin | Model | Dim | Weights | Run as | Trained on |
| --- | --- | --- | --- | --- | --- | --- |
| alpha | toys 1.0 |  | 8 | `aaaaaaaaaaaa` | float32, cpu | nothing |
| beta | toys 1.0 | org/model @ 0123456789ab | 8 | `bbbbbbbbbbbb` | bfloat16, cuda | miracl, nq |
| delta | (object) |  |  | `dddddddddddd` | float32, cpu | not stated |
| gam\\|ma | toys 1.0 | a\\|b | 8 | `cccccccccccc` | float32, cpu | not stated |"""


def _files(make: Make) -> list[ResultFile]:
    return [
        make({"sw": 0.2, "te": 0.4, "yo": 0.9}, name="alpha", fingerprint="a" * 64, encoder={"training_datasets": ()}),
        make(
            {"sw": 0.301, "te": 0.3, "yo": 0.1},
            name="beta",
            fingerprint="b" * 64,
            encoder={
                "training_datasets": ("miracl", "nq"), "model": "org/model", "revision": "0123456789abcdef",
                "dtype": "bfloat16", "device": "cuda",
            },
        ),
        make(
            {"sw": 0.05, "te": "failed", "yo": "declined"},
            name="gam|ma",
            fingerprint="c" * 64,
            encoder={"model": "a|b"},
        ),
        make({"yo": 0.0}, name="delta", fingerprint="d" * 64,
             encoder={"distribution": "(object)", "version": "", "dim": 0}),
    ]  # fmt: skip


def test_a_whole_table(make_result: Make) -> None:
    """Averages of complete rows, the best in bold, words for empty cells, coverage, counts, escaped pipes."""
    (table,) = build(_files(make_result))
    assert markdown.table(table) == EXPECTED


def test_a_whole_list_of_encoders(make_result: Make) -> None:
    """Where each row comes from, and what it was trained on: stated, nothing, or not stated."""
    assert markdown.encoders(build(_files(make_result))) == ENCODERS


def test_the_order_of_files_leaves_no_trace(make_result: Make) -> None:
    """The same results give the same bytes in whatever order they were read."""
    for order in permutations(_files(make_result)):
        tables = build(order)
        assert markdown.table(tables[0]) == EXPECTED
        assert markdown.encoders(tables) == ENCODERS


def test_equal_to_the_reader_is_equally_bold(make_result: Make) -> None:
    """Two scores that print the same are both the best: bold must not hide a difference nobody can see."""
    files = [
        make_result({"sw": score}, name=name, fingerprint=name * 64)
        for name, score in (("a", 0.50001), ("b", 0.50002), ("c", 0.499))
    ]
    lines = markdown.table(build(files)[0]).splitlines()
    assert [line.split(" | ")[2] for line in lines[2:5]] == ["**50.0**", "**50.0**", "49.9"]


def test_a_name_with_line_ends_stays_in_its_row(make_result: Make) -> None:
    """A line end in a name would end the table."""
    (table,) = build([make_result({"sw": 0.5}, name="two\nlines\r\nthree")])
    assert len(markdown.table(table).split("\n")) == 5
    assert "| two lines three ‡ |" in markdown.table(table)


def test_the_legend_explains_what_is_there(make_result: Make) -> None:
    """Each metric once; a mark for training data only where a row carries it."""
    first, seen, unknown, _ = _files(make_result)
    for files, marks in (([first], ""), ([first, seen], "†"), ([first, unknown], "‡"), ([seen, unknown], "†‡")):
        legend = markdown.legend(build(files))
        assert [mark for mark in "†‡" if mark in legend] == list(marks)
    both = build([first, make_result({"sw": 0.1}, task={"title": "Other", "name": "other"})])
    assert markdown.legend(both).count("**nDCG@10**") == 1


def test_percent() -> None:
    """Times 100, one decimal."""
    assert [markdown.percent(v) for v in (0.0, 1.0, 0.12345, 0.9999, 0.0004)] == [
        "0.0",
        "100.0",
        "12.3",
        "100.0",
        "0.0",
    ]

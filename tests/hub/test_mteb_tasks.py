"""What mteb gives is checked before it is believed, and what is kept of it is checked before it is used again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import DataError
from harness.sources.corpus_cache import CorpusCache
from harness.sources.hub import clients
from harness.sources.hub.mteb_tasks import MTEB_TASKS, MtebCopy
from harness.tasks import task
from harness.tasks.selection import Selected

_ROWS: dict[str, Any] = {
    "corpus": [{"id": "1#0", "title": "", "text": "Ìbàdàn jẹ́ olú-ìlú"}, {"id": "2#0", "title": "Ọ̀yọ́", "text": ""}],
    "queries": [{"id": "q1", "text": "Kí ni?"}, {"id": "q2", "text": " Ta ni?\u200b"}],
    "relevant_docs": {"q2": {"2#0": 1, "1#0": 0}, "q1": {"1#0": 1}},
}


class _Table(list[dict[str, Any]]):
    """Rows as a dataset gives them."""

    cache_files: tuple[dict[str, str], ...] = ()

    def iter(self, batch_size: int) -> Iterator[dict[str, list[Any]]]:
        """All rows in one batch, column by column."""
        yield {name: [row.get(name) for row in self] for name in self[0]}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MtebCopy]:
    """A function that opens MIRACL's Yoruba, with a double of mteb that has some rows, or none."""

    def opened(rows: dict[str, Any] | None = None, **more: Any) -> MtebCopy:
        def get_task(name: str, *, hf_subsets: list[str], eval_splits: list[str]) -> Any:
            assert (name, hf_subsets, eval_splits) == ("MIRACLRetrieval", ["yo"], ["dev"])
            if rows is None:
                raise AssertionError("mteb is not to be asked")
            tables = {key: _Table(value) if isinstance(value, list) else value for key, value in rows.items()}
            for name, value in more.items():
                setattr(tables["corpus"], name, value)
            pinned = SimpleNamespace(dataset={"path": "another/repo", "revision": "main"})
            return SimpleNamespace(metadata=pinned, load_data=lambda: None, dataset={"yo": {"dev": tables}})

        monkeypatch.setattr(clients, "mteb", lambda: SimpleNamespace(get_task=get_task))
        monkeypatch.setattr(clients, "quiet", nullcontext)
        miracl = task("miracl")
        return MtebCopy(Selected(miracl, miracl.subset("yo"), "dev"), tmp_path, CorpusCache(tmp_path))

    return opened


def _read(copy: MtebCopy) -> list[Any]:
    asked, corpus = copy.asked(), copy.corpus()
    columns = [list(corpus.column(name)) for name in ("id", "title", "text")]
    return [asked.queries.ids, asked.queries.texts, asked.qrels, *columns]


def test_it_is_read_once(copy: Callable[..., MtebCopy]) -> None:
    """Every text as it is, in its order; the second time without mteb, from the files that are named."""
    first = _read(copy(_ROWS))
    assert first == [
        ("q1", "q2"),
        ("Kí ni?", " Ta ni?\u200b"),
        {"q1": {"1#0": 1}, "q2": {"2#0": 1, "1#0": 0}},
        ["1#0", "2#0"],
        ["", "Ọ̀yọ́"],
        ["Ìbàdàn jẹ́ olú-ìlú", ""],
    ]
    again = copy()
    assert _read(again) == first
    assert len(again.files()) == 2
    assert all(path.is_file() for path in again.files())


@pytest.mark.parametrize("spoil", ["", "{}", "[1]", '{"queries": {"q": "x"}, "qrels": {}, "sha256": "0"}', "changed"])
def test_what_was_kept_and_is_damaged_is_read_again(copy: Callable[..., MtebCopy], spoil: str) -> None:
    """Neither a file cut short nor one with another query in it is believed."""
    first = _read(copy(_ROWS))
    kept = copy().files()[1]
    text = kept.read_text("utf-8")
    kept.write_text(text.replace("Kí", "Kó") if spoil == "changed" else spoil, "utf-8")
    assert copy().files() == ()
    assert _read(copy(_ROWS)) == first
    assert kept.read_text("utf-8") == text


def test_one_half_is_not_the_whole(copy: Callable[..., MtebCopy]) -> None:
    """A fetch that ended between queries and corpus is no complete one."""
    copy(_ROWS).asked()
    assert copy().files() == ()


@pytest.mark.parametrize(
    ("part", "rows", "said"),
    [
        ("queries", [{"id": "q1", "text": None}], "query 'q1' of yo is empty, or there twice"),
        ("queries", [{"id": "q1", "text": " \n"}], "query 'q1' of yo is empty"),
        ("queries", [{"id": None, "text": "x"}], "query None of yo is empty"),
        ("queries", [{"id": "q1", "text": "x"}] * 2, "there twice"),
        ("queries", [], "no judged queries for yo"),
        ("corpus", [{"id": "1#0", "title": None, "text": None}], "row 1 of yo-corpus has no text"),
        ("corpus", [{"id": "", "title": "", "text": "x"}], "row 1 of yo-corpus has no id"),
        ("corpus", [{"id": "1", "title": "", "text": "x"}] * 2, "passage id '1' was used in"),
    ],
)
def test_rows_that_are_no_text(copy: Callable[..., MtebCopy], part: str, rows: list[Any], said: str) -> None:
    """Nulls, blanks and repetitions are refused, with the repository and the row."""
    with pytest.raises(DataError) as caught:
        _read(copy({**_ROWS, part: rows}))
    assert said in str(caught.value)
    assert "mteb/MIRACLRetrieval@9c09abc1" in str(caught.value)


def test_a_title_that_is_null_is_none(copy: Callable[..., MtebCopy]) -> None:
    """Corpora without titles have the column or have not."""
    rows = [{"id": "1#0", "title": None, "text": "x"}, {"id": "2#0", "title": None, "text": "y"}]
    assert _read(copy({**_ROWS, "corpus": rows}))[4] == ["", ""]


@pytest.mark.parametrize(
    ("folder", "good"), [(MTEB_TASKS["miracl"].revision, True), ("a" * 40, False), ("0.0.0", True)]
)
def test_the_revision_in_the_cache(copy: Callable[..., MtebCopy], folder: str, good: bool) -> None:
    """A table out of another revision's folder is not taken; a folder that names none says nothing."""
    files = ({"filename": f"/cache/yo-corpus/0.0.0/{folder}/part.arrow"},)
    opened = copy(_ROWS, cache_files=files)
    if good:
        assert len(_read(opened)) == 6
        return
    with pytest.raises(DataError, match="at revision 9c09abc1 is not in the cache"):
        _read(opened)
    assert opened.files() == ()


def test_errors_of_mteb_are_one_sentence(copy: Callable[..., MtebCopy], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever escapes from the libraries below names the repository and what to do, and no secret."""

    class Odd(Exception):
        """An error of a library."""

    def fail() -> None:
        raise Odd("it broke at https://host/file?signature=secret\nand more")

    opened = copy(_ROWS)
    made = clients.mteb().get_task("MIRACLRetrieval", hf_subsets=["yo"], eval_splits=["dev"])
    made.load_data = fail
    monkeypatch.setattr(clients, "mteb", lambda: SimpleNamespace(get_task=lambda *_, **__: made))
    with pytest.raises(DataError) as caught:
        opened.asked()
    assert str(caught.value) == (
        "dataset mteb/MIRACLRetrieval at revision 9c09abc1 could not be fetched: Odd: it broke at https://host/file\n"
        "  To go on where this stopped: harness data fetch miracl/yo"
    )
    assert made.metadata.dataset == {"path": "mteb/MIRACLRetrieval", "revision": MTEB_TASKS["miracl"].revision}


def test_ids_never_become_paths(copy: Callable[..., MtebCopy], tmp_path: Path) -> None:
    """Ids and texts of the data are content, whatever they look like."""
    evil = "../../led-astray"
    rows = {
        "corpus": [{"id": evil, "title": evil, "text": evil}],
        "queries": [{"id": evil, "text": evil}],
        "relevant_docs": {evil: {evil: 1}},
    }
    assert _read(copy(rows))[3] == [evil]
    assert not list(tmp_path.parent.rglob("*led-astray*"))
    kept = copy().files()[1]
    assert json.loads(kept.read_text("utf-8"))["queries"] == {evil: evil}

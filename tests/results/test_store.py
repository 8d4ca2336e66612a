"""Result files: where they belong, that nothing tears them, and that they come back as they were."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.results import schema
from harness.results.schema import ResultFile
from harness.results.store import ResultStore, dump, load, read_all

PLAIN: dict[str, Any] = {
    "source": "pocket", "task": "miracl", "variant": "", "split": "dev", "encoder": "lamir",
    "fingerprint": "0123456789abcdef" * 4, "limit": None,
}  # fmt: skip


def test_paths_can_be_foretold() -> None:
    """Source, task with variant, split, encoder with the start of its fingerprint, and the limit."""
    store = ResultStore(Path("out"))
    assert store.path(**PLAIN) == Path("out/pocket/miracl/dev/lamir-01234567.json")
    limited = store.path(**{**PLAIN, "variant": "from-en", "limit": 20, "encoder": "intfloat/e5 small"})
    assert limited == Path("out/pocket/miracl--from-en/dev/intfloat-e5-small-01234567.limit-20.json")


@pytest.mark.parametrize("key", ["source", "task", "variant", "split", "encoder", "fingerprint"])
@given(name=st.text(min_size=1))
@example("../../../etc/passwd")
@example("..")
@example(".")
@example("/absolute")
@example("a/../../b")
@example("..\\..\\x")
@example("/../..")
@example("nul\0byte")
@example(".hidden")
@example("~")
@example("x" * 500)
@example("\ud800")
def test_names_never_leave_the_folder(key: str, name: str) -> None:
    """Whatever stands in a name, the file lies exactly four levels below the root, visible and of lawful length."""
    path = ResultStore(Path("/root/out")).path(**{**PLAIN, key: name})
    relative = path.relative_to("/root/out")
    assert len(relative.parts) == 4
    assert Path(os.path.normpath(path)) == path
    for part in relative.parts:
        assert not part.startswith(".") and "\0" not in part and "\\" not in part
        assert len(os.fsencode(part)) <= 255
    assert path.suffix == ".json"


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("task", ["a b", "a-b", "a/b", "a_b"]),
        ("task", ["数据", "语料", "данные"]),
        ("variant", ["", "from-en", "from en"]),
        ("fingerprint", ["my-model-v1", "my-model-v2", "0" * 64, "1" * 64, ""]),
        ("task", ["x" * 150 + "1", "x" * 150 + "2"]),
        ("limit", [None, 1, 10]),
    ],
)
def test_two_names_never_share_a_file(key: str, names: list[Any]) -> None:
    """Tasks, variants, weights and limits that differ have files that differ, in any script."""
    store = ResultStore(Path("out"))
    assert len({store.path(**{**PLAIN, key: name}) for name in names}) == len(names)


def test_round_trip(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """What is written is read back equal, and written again gives the same bytes."""
    result = make_result({"sw": 0.123456789, "te": "failed", "yo": "declined"})
    store = ResultStore(tmp_path)
    path = store.path(**PLAIN)
    store.write(path, result)
    assert load(path) == store.read(path) == result
    assert dump(load(path)).encode() == path.read_bytes()


HOSTILE = ["@0@", "@1@", '"@0@"', '"', "\\", "\\d", "\n", "é", "\u2028", "\x00", "\\g<0>", "{}", "a,b", "]"]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_cannot_disturb_the_writing(text: str, make_result: Callable[..., ResultFile]) -> None:
    """Per-query lists are put in their place whatever stands in names, options, reasons and ids around them."""
    plain = make_result(
        {"sw": 0.5, "te": 0.25, "yo": "failed"},
        name=text,
        task={"title": text, "citation": text},
        encoder={"options": {text: text}, "spec": text},
    )
    value = plain.model_dump(mode="json")
    value["subsets"]["sw"]["per_query"] = {
        "ranking": {"ids": ["@1@", text], "values": {"ndcg@10": [0.5, 0.25]}},
        "answers": {"ids": [text], "values": {"r@2kt": [1.0]}},
        text: {"ids": ["x"], "values": {}},
    }
    value["subsets"]["yo"]["error"] = text
    value["subsets"][text] = value["subsets"]["te"]
    result = ResultFile.model_validate(value)
    assert ResultFile.model_validate_json(dump(result)) == result


@given(text=st.text(st.characters(exclude_categories=["Cs"])), values=st.lists(st.floats(0, 1), max_size=4))
def test_any_text_round_trips(text: str, values: list[float]) -> None:
    """The writing is plain JSON for any text that is Unicode and any per-query value."""
    subset = schema.SubsetResult(
        status="ok",
        split=text,
        data="d",
        identity="i",
        metrics={text: 0.5},
        per_query={text: schema.PerQuery(ids=tuple(text for _ in values), values={text: tuple(values)})},
    )
    result = ResultFile.model_construct(
        task=schema.TaskCard.model_construct(name=text),
        split=text,
        encoder=None,
        provenance=None,
        subsets={text: subset},
    )
    assert json.loads(dump(result)) == result.model_dump(mode="json", warnings=False)


def test_each_list_of_queries_takes_one_line(make_result: Callable[..., ResultFile]) -> None:
    """A file of thousands of queries stays short to read and to compare."""
    text = dump(make_result({"sw": 0.5}))
    (line,) = [line for line in text.splitlines() if '"q1"' in line]
    assert json.loads(line.strip().partition(": ")[2]) == {"ids": ["q1", "q2"], "values": {"ndcg@10": [0.5, 0.5]}}
    assert text.endswith("}\n") and not text.endswith("\n\n")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema_version": 2}', b'{"schema_version": 1}', b"{}" * 2],
)
def test_an_unreadable_file_is_a_miss(content: bytes, tmp_path: Path) -> None:
    """What cannot be read is computed again; who loads it by name is told the file and the place."""
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    assert ResultStore(tmp_path).read(path) is None
    with pytest.raises(DataError, match=r"broken\.json"):
        load(path)


def test_a_missing_file_is_a_miss(tmp_path: Path) -> None:
    """No file is no result; loading it by name is an error."""
    assert ResultStore(tmp_path).read(tmp_path / "none.json") is None
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")


def test_a_field_at_fault_is_named(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """The error for a hand-edited file leads to the field."""
    value = json.loads(dump(make_result({"sw": 0.5})))
    value["subsets"]["sw"]["metrics"]["ndcg@10"] = 50.0
    (tmp_path / "edited.json").write_text(json.dumps(value))
    with pytest.raises(DataError, match=r"subsets\.sw\.metrics\.ndcg@10"):
        load(tmp_path / "edited.json")


def test_writing_is_all_or_nothing(
    tmp_path: Path, make_result: Callable[..., ResultFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it writes leaves the old file whole, and nothing that looks like a result."""
    store = ResultStore(tmp_path)
    path = store.path(**PLAIN)
    store.write(path, make_result({"sw": 0.5}))
    before = path.read_bytes()

    def die(*args: Any) -> None:
        raise KeyboardInterrupt

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, die)
            with pytest.raises(KeyboardInterrupt):
                store.write(path, make_result({"sw": 0.75}))
        assert path.read_bytes() == before
        assert list(tmp_path.rglob("*.*")) == [path]
    assert len(read_all(tmp_path)) == 1


def test_results_are_readable_by_others(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """Files get the permissions that the umask gives, not the private ones of a temporary file."""
    before = os.umask(0o022)
    try:
        ResultStore(tmp_path).write(tmp_path / "x.json", make_result({"sw": 0.5}))
    finally:
        os.umask(before)
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o644


def test_read_all_is_sorted_and_strict(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """A folder is read in the order of paths; a file that is no result stops it, because a board must not skip rows."""
    store = ResultStore(tmp_path)
    for name in ("b", "a", "c"):
        store.write(tmp_path / name / "x.json", make_result({"sw": 0.5}, name=name))
    assert [r.encoder.name for r in read_all(tmp_path)] == ["a", "b", "c"]
    assert read_all(tmp_path / "nothing-here") == []
    (tmp_path / "b" / "y.json").write_text("{}")
    with pytest.raises(DataError, match=r"y\.json"):
        read_all(tmp_path)


def test_two_precisions_have_two_files(tmp_path: Path) -> None:
    """Results in bfloat16 never land in the file of those in float32."""
    facts = {"source": "pocket", "task": "miracl", "variant": "", "split": "dev", "encoder": "toy"}
    store = ResultStore(tmp_path)
    full = store.path(**facts, fingerprint="f" * 64)
    half = store.path(**facts, fingerprint="f" * 64, dtype="bfloat16")
    assert full.name == "toy-ffffffff.json"
    assert half.name == "toy-ffffffff.bfloat16.json"


def test_two_that_add_to_one_file_lose_nothing(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """Runs of several languages at once, into one file: every subset is in it in the end."""
    store = ResultStore(tmp_path)
    path = store.path(**PLAIN)
    names = [f"s{number}" for number in range(8)]

    def add(name: str) -> None:
        def grown(file: ResultFile | None) -> ResultFile:
            time.sleep(0.01)  # as long as a large file takes to be read and written
            more = make_result({name: 0.5})
            return more.model_copy(update={"subsets": {**(file.subsets if file else {}), **more.subsets}})

        store.update(path, grown)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    assert sorted(load(path).subsets) == names
    assert list(tmp_path.rglob("*.*")) == [path]

"""Converted corpora: round trips, what is kept, and everything that can interrupt, damage or outdate them."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness._util.fingerprint import digests
from harness.errors import DataError
from harness.sources import beir, corpus_cache
from harness.sources.corpus import BATCH_ROWS, Corpus
from harness.sources.corpus_cache import CorpusCache, Passage
from harness.sources.tree import plain_file

_STRING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from(["\r", "\n", "\0", "\u2028", "\x85", "\u0301", "\u0e49", "ẹ", "😀", " ", "\ufeff"]),
    max_size=20,
)
_PASSAGES = st.lists(
    st.builds(Passage, id=_STRING.filter(bool), title=_STRING, text=_STRING.filter(str.strip)),
    min_size=1,
    max_size=12,
    unique_by=lambda passage: passage.id,
)
_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _few(count: int = 5, text: str = "text {}") -> list[Passage]:
    return [Passage(f"d{i}", "", text.format(i), "file", i + 1) for i in range(count)]


def _rows(corpus: Corpus) -> list[tuple[str, ...]]:
    return list(zip(*(corpus.column(name) for name in ("id", "title", "text")), strict=True))


class _Reader:
    """Gives passages and counts how often it was asked."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.passages = list(passages)
        self.times = 0

    def __call__(self) -> Iterator[Passage]:
        self.times += 1
        yield from self.passages


def _left(cache: CorpusCache) -> list[Path]:
    """Everything below the cache's folder."""
    return sorted(cache.root.rglob("*")) if cache.root.exists() else []


@pytest.fixture
def cache(tmp_path: Path) -> CorpusCache:
    """An empty cache."""
    return CorpusCache(tmp_path / "corpora-cache")


@_SHARED
@given(_PASSAGES, st.integers())
def test_round_trip(cache: CorpusCache, passages: list[Passage], salt: int) -> None:
    """Every id, title and text comes back byte for byte, now and when the corpus is opened again."""
    key = [salt, *map(list, (p[:3] for p in passages))]
    reader = _Reader(passages)
    for corpus in (cache.corpus(key, reader), CorpusCache(cache.root.parent).corpus(key, reader)):
        assert _rows(corpus) == [passage[:3] for passage in passages]
        encoded = [text.encode() for text in corpus.texts_at(np.arange(len(corpus)))]
        assert encoded == [passage.text.encode() for passage in passages]
        in_memory = Corpus(*([p[n] for p in passages] for n in range(3)))
        assert corpus.fingerprint == in_memory.fingerprint
        assert corpus.tie_order.tolist() == in_memory.tie_order.tolist()
        assert corpus.digests("{title} {text}").tolist() == in_memory.digests("{title} {text}").tolist()
        assert corpus.find([p.id for p in passages]) == in_memory.find([p.id for p in passages])
    assert reader.times <= 1


@pytest.mark.parametrize("count", [1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 1, 2 * BATCH_ROWS + 3])
def test_batches(cache: CorpusCache, count: int) -> None:
    """Corpora of any length are cut into full batches and a rest."""
    corpus = cache.corpus("x", _Reader(_few(count)))
    assert len(corpus) == count
    assert [len(batch) for _, batch in corpus.batches()][:-1] == [BATCH_ROWS] * ((count - 1) // BATCH_ROWS)
    assert corpus.ids_at(np.array([count - 1, 0])) == [f"d{count - 1}", "d0"]
    assert sorted(corpus.tie_order.tolist()) == list(range(count))


def test_long_documents_make_short_batches(cache: CorpusCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is full at so many characters, too: documents of any length take the memory of a few."""
    monkeypatch.setattr(corpus_cache, "_BATCH_CHARACTERS", 1_000)
    corpus = cache.corpus("x", _Reader(_few(10, "long " * 80 + "{}")))
    assert [len(batch) for _, batch in corpus.batches()] == [3, 3, 3, 1]
    assert _rows(corpus) == [passage[:3] for passage in _few(10, "long " * 80 + "{}")]


def test_memory_of_a_conversion(cache: CorpusCache) -> None:
    """A corpus of 200 MB is converted and read in far less memory than it takes."""
    text = "word " * 2_000

    def read() -> Iterator[Passage]:
        return (Passage(str(i), "", f"{i} {text}") for i in range(20_000))

    tracemalloc.start()
    corpus = cache.corpus("x", read)
    assert sum(1 for _ in corpus.column("text")) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(path.stat().st_size for path in _left(cache) if path.is_file()) > 200_000_000
    assert peak < 150_000_000


def test_converted_once(cache: CorpusCache) -> None:
    """The same key is the same corpus without reading; another key is another one."""
    reader = _Reader(_few())
    first = cache.corpus(["task", "stamp"], reader)
    assert cache.corpus(["task", "stamp"], reader).fingerprint == first.fingerprint
    assert reader.times == 1
    cache.corpus(["task", "stamp 2"], reader)
    assert reader.times == 2
    assert len(list(cache.root.iterdir())) == 2


def test_a_source_file_that_changes_is_converted_again(tmp_path: Path, cache: CorpusCache) -> None:
    """New content under the old name is read, and so is content of the same size."""
    path = tmp_path / "corpus.jsonl"
    seen = []
    for number, text in enumerate(("old text", "new text", "longer text"), 1):
        path.write_text(json.dumps({"_id": "d", "text": text}))
        os.utime(path, ns=(number, number))
        key = ["beir", plain_file(path, path.name).stamp]
        corpus = cache.corpus(key, lambda: beir.read_passages(path))
        seen += corpus.texts_at(np.array([0]))
    assert seen == ["old text", "new text", "longer text"]


def test_what_is_costly_is_kept(cache: CorpusCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties, fingerprint and digests are read and not computed when the corpus is opened again."""
    passages = [Passage(f"d{i}", "T" * (i % 2), f"text {i}") for i in range(50)]
    first = cache.corpus("x", _Reader(passages))
    found = {template: first.digests(template).tolist() for template in ("{text}", "{title} {text}")}
    assert found["{text}"] == digests([p.text for p in passages]).tolist()
    assert found["{title} {text}"] == digests([f"{p.title} {p.text}".strip() for p in passages]).tolist()
    order, name = first.tie_order.tolist(), first.fingerprint
    monkeypatch.setattr(Corpus, "batches", lambda self: pytest.fail("the passages were read"))
    again = cache.corpus("x", _Reader([]))
    assert {template: again.digests(template).tolist() for template in found} == found
    assert (again.tie_order.tolist(), again.fingerprint) == (order, name)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_damaged_digests(cache: CorpusCache, damage: bytes | None) -> None:
    """Digests that are cut off, or of another corpus, are computed again."""
    corpus = cache.corpus("x", _Reader(_few()))
    expected = corpus.digests("{text}").tolist()
    (path,) = cache.root.rglob("digests-*.npy")
    if damage is None:
        np.save(path, np.zeros(3, "S16"))
    else:
        path.write_bytes(damage)
    assert cache.corpus("x", _Reader([])).digests("{text}").tolist() == expected
    assert np.load(path).tolist() == expected


def test_a_cache_that_cannot_be_written(cache: CorpusCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests that cannot be kept are computed all the same."""
    corpus = cache.corpus("x", _Reader(_few()))

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(corpus_cache, "atomic_writer", refuse)
    assert corpus.digests("{text}").tolist() == digests([p.text for p in _few()]).tolist()


def test_duplicates_are_named_with_both_places(cache: CorpusCache) -> None:
    """An id that is there twice is refused with the file and line of both, wherever they are, and nothing is left."""
    passages = [*_few(), Passage("d3", "", "again", "other file", 7), Passage("d3", "", "and again", "third", 1)]
    with pytest.raises(DataError) as caught:
        cache.corpus("x", _Reader(passages))
    assert caught.value.message == "other file:7: passage id 'd3' was used in file:4 already"
    assert _left(cache) == []


@given(st.data())
@_SHARED
def test_any_duplicate_is_found(tmp_path: Path, data: st.DataObject) -> None:
    """Two passages with one id are found wherever they stand, also over the edge of what is compared at a time."""
    count = data.draw(st.integers(2, 30))
    first, second = sorted(data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True)))
    ids = [f"é{i:02d}" for i in range(count)]
    ids[second] = ids[first]
    cache = CorpusCache(tmp_path / "any")
    before = corpus_cache._COMPARED
    corpus_cache._COMPARED = data.draw(st.integers(1, 5))
    try:
        with pytest.raises(DataError) as caught:
            cache.corpus([ids], _Reader(Passage(name, "", "x", "f", line) for line, name in enumerate(ids)))
    finally:
        corpus_cache._COMPARED = before
    assert caught.value.message == f"f:{second}: passage id {ids[first]!r} was used in f:{first} already"


def test_no_passages(cache: CorpusCache) -> None:
    """A corpus without passages is refused, and nothing is left."""
    with pytest.raises(DataError, match="without passages"):
        cache.corpus("x", _Reader([]))
    assert _left(cache) == []


def test_a_folder_that_cannot_be_written(cache: CorpusCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error that names the folder of the cache, and nothing half written is left."""

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(corpus_cache, "atomic_writer", refuse)
    with pytest.raises(DataError) as caught:
        cache.corpus("x", _Reader(_few()))
    assert caught.value.message == f"{cache.root}: a corpus cannot be kept there (No space left on device)"
    assert "HARNESS_CACHE" in str(caught.value) and _left(cache) == []


@pytest.mark.parametrize("error", [DataError("f:9: bad"), KeyboardInterrupt(), SystemExit(1), MemoryError()])
@pytest.mark.parametrize("after", [0, 3, BATCH_ROWS + 3])
def test_interrupted_conversion(cache: CorpusCache, error: BaseException, after: int) -> None:
    """Whatever ends the reading ends the conversion with it and leaves nothing; the next one starts afresh."""

    def read() -> Iterator[Passage]:
        yield from _few(after)
        raise error

    with pytest.raises(type(error)):
        cache.corpus("x", read)
    assert _left(cache) == []
    assert len(cache.corpus("x", _Reader(_few()))) == 5


@pytest.mark.parametrize("name", ["write_text", "order_by_id", "_check_distinct"])
def test_interrupted_after_the_reading(cache: CorpusCache, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An interruption in any later step leaves nothing either."""

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(corpus_cache, name, interrupted)
        cache.corpus("x", _Reader(_few()))
    assert _left(cache) == []
    assert len(cache.corpus("x", _Reader(_few()))) == 5


_ENDLESS = """
import sys, itertools, time
from pathlib import Path
from harness.sources.corpus_cache import CorpusCache, Passage

def read():
    for i in itertools.count():
        yield Passage(str(i), "", "text")
        if i == 20_000:
            print("reading", flush=True)
            time.sleep(60)

CorpusCache(Path(sys.argv[1])).corpus("x", read)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_killed_conversion(cache: CorpusCache, number: signal.Signals) -> None:
    """Ctrl-C leaves nothing; after a kill the corpus is not there, and is converted as if nothing had been."""
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS, str(cache.root.parent)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"reading\n"
    process.send_signal(number)
    process.wait(30)
    process.stdout.close()
    if number == signal.SIGINT:
        assert _left(cache) == []
    assert _rows(cache.corpus("x", _Reader(_few()))) == [p[:3] for p in _few()]


def test_what_a_kill_left_is_swept_up(cache: CorpusCache) -> None:
    """What killed conversions left goes when the corpus is converted again a day later; others may be going on."""
    cache.corpus("x", _Reader(_few()))
    folder = _folder(cache)
    for name, age in (("old", 25 * 3600), ("new", 3600)):
        left = folder.with_name(f".{folder.name}.{name}")
        left.mkdir()
        (left / "passages.arrow").write_bytes(b"half")
        for path in (left / "passages.arrow", left):
            os.utime(path, (time.time() - age,) * 2)
    (folder / "corpus.json").unlink()
    cache.corpus("x", _Reader(_few()))
    assert sorted(path.name for path in cache.root.iterdir()) == sorted([folder.name, f".{folder.name}.new"])


def _folder(cache: CorpusCache) -> Path:
    (folder,) = (path for path in cache.root.iterdir() if not path.name.startswith("."))
    return folder


def _shorten(name: str) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - 1)


def _facts(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        facts = json.loads((folder / "corpus.json").read_text())
        change(facts)
        (folder / "corpus.json").write_text(json.dumps(facts))

    return apply


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "shorter passages": _shorten("passages.arrow"),
    "no passages": lambda folder: (folder / "passages.arrow").unlink(),
    "shorter ties": _shorten("ties.npy"),
    "no ties": lambda folder: (folder / "ties.npy").unlink(),
    "no facts": lambda folder: (folder / "corpus.json").unlink(),
    "empty facts": lambda folder: (folder / "corpus.json").write_text(""),
    "half the facts": lambda folder: os.truncate(folder / "corpus.json", 40),
    "facts of another kind": lambda folder: (folder / "corpus.json").write_text("[]"),
    "null": lambda folder: (folder / "corpus.json").write_text("null"),
    "facts not in UTF-8": lambda folder: (folder / "corpus.json").write_bytes(b"\xff\xfe"),
    "no sizes": _facts(lambda facts: facts.pop("sizes")),
    "no size of the passages": _facts(lambda facts: facts.update(sizes={})),
    "no rows": _facts(lambda facts: facts.pop("rows")),
    "rows that are none": _facts(lambda facts: facts.update(rows=["x"])),
    "no fingerprint": _facts(lambda facts: facts.pop("fingerprint")),
    "a file in its place": lambda folder: (folder.rename(folder.with_name(".aside")), folder.write_text("x")),
}


@pytest.mark.parametrize("damage", _DAMAGE.values(), ids=_DAMAGE.keys())
def test_damaged_corpus_is_built_anew(cache: CorpusCache, damage: Callable[[Path], object]) -> None:
    """A corpus that is not whole is converted again, in its old place, and only once."""
    reader = _Reader(_few(20))
    cache.corpus("x", reader)
    folder = _folder(cache)
    damage(folder)
    assert _rows(cache.corpus("x", reader)) == [p[:3] for p in _few(20)]
    assert _rows(cache.corpus("x", reader)) == [p[:3] for p in _few(20)]
    assert reader.times == 2
    assert _folder(cache) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["corpus.json", "passages.arrow", "ties.npy"]


def test_an_empty_folder_in_its_place(cache: CorpusCache) -> None:
    """What an older version or a person left under the name is replaced."""
    cache.corpus("x", _Reader(_few()))
    folder = _folder(cache)
    for path in folder.iterdir():
        path.unlink()
    assert len(cache.corpus("x", _Reader(_few()))) == 5


def test_the_folder_can_be_shared(cache: CorpusCache) -> None:
    """A converted corpus has the permissions of any new folder, not those of a temporary one."""
    cache.corpus("x", _Reader(_few()))
    (cache.root / "plain").mkdir()
    mode = (cache.root / "plain").stat().st_mode
    (cache.root / "plain").rmdir()
    assert _folder(cache).stat().st_mode == mode


def _convert_at_once(root: Path, number: int, start: float) -> str:
    """One of several processes that convert one corpus; the text of what it found."""

    def read() -> Iterator[Passage]:
        for passage in _few(3_000):
            if passage.id == "d2999":
                time.sleep(max(0.0, start - time.time()))  # all of them end at once
            yield passage

    corpus = CorpusCache(root).corpus("x", read)
    found = [*corpus.ids_at(np.arange(len(corpus))), *corpus.texts_at(np.arange(len(corpus)))]
    return f"{corpus.fingerprint} {len(found)} {corpus.digests('{text}').tobytes().hex()[:32]}"


@pytest.mark.parametrize("damaged", [False, True])
def test_processes_at_once(cache: CorpusCache, damaged: bool) -> None:
    """Processes that convert the same corpus at the same time all find it, whole, and leave one of it behind."""
    if damaged:
        cache.corpus("x", _Reader(_few(3_000)))
        (_folder(cache) / "corpus.json").write_text("{")
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        start = time.time() + 4
        found = pool.starmap(_convert_at_once, [(cache.root.parent, n, start) for n in range(3)])
    assert len(set(found)) == 1
    assert len(_left(cache)) == 1 + 4  # the folder; passages, ties, facts, digests


def test_threads_at_once(cache: CorpusCache) -> None:
    """The same for threads of one process."""
    together = threading.Barrier(4)

    def read() -> Iterator[Passage]:
        yield from _few(500)
        together.wait(30)

    found: list[str] = []

    def convert() -> None:
        found.append(cache.corpus("x", read).fingerprint)

    threads = [threading.Thread(target=convert) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert len(_left(cache)) == 1 + 3


def test_truncated_gzip_is_never_a_shorter_corpus(tmp_path: Path, cache: CorpusCache) -> None:
    """A corpus file that stops at any tenth byte is refused, and no corpus is left of it."""
    rows = [json.dumps({"_id": str(i), "text": f"ข้อความ {i}"}, ensure_ascii=False) for i in range(60)]
    packed = gzip.compress("\n".join(rows).encode())
    path = tmp_path / "corpus.jsonl.gz"
    for length in range(0, len(packed), 10):
        path.write_bytes(packed[:length])
        with pytest.raises(DataError):
            cache.corpus([length], lambda: beir.read_passages(path))
    assert _left(cache) == []
    path.write_bytes(packed)
    assert len(cache.corpus("whole", lambda: beir.read_passages(path))) == 60

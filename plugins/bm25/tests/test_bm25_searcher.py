"""The searcher: the contract, what is streamed, and how queries of another language are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import pytest
from harness_bm25 import searcher as module
from harness_bm25.index import Rows
from harness_bm25.plugin import Bm25Options
from harness_bm25.searcher import Bm25Searcher
from numpy.typing import NDArray

from harness import evaluate
from harness._util.fingerprint import digests
from harness.api import load_encoder
from harness.encoders.protocols import Searcher
from harness.errors import UsageError
from harness.testing import parametrize_with_checks


def load(**options: Any) -> Bm25Searcher:
    """A searcher with options."""
    return Bm25Searcher(Bm25Options(**options))


class Streamed(Sequence[str]):
    """Texts that can be iterated and nothing else, as a corpus on the disk is read best; they count how often."""

    def __init__(self, texts: Sequence[str], *, known: bool = False) -> None:
        self._texts = texts
        self.read = 0
        if known:
            self.digests: NDArray[np.bytes_] = digests(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        self.read += 1
        return iter(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        raise AssertionError("a corpus is read in one pass")


@parametrize_with_checks("bm25")
def test_bm25_contract(check: Any) -> None:
    """The conformance kit passes."""
    check()


def test_info() -> None:
    """A searcher without vectors, that looks at languages, and that learned nothing."""
    loaded = load_encoder("bm25", {"name": "lexical"})
    assert isinstance(loaded.model, Searcher)
    info = loaded.model.info
    assert (info.name, info.dim, info.similarity, info.normalized) == ("lexical", 0, "dot", False)
    assert (info.language_aware, info.training_datasets, info.dtype) == (True, (), "float32")


def test_options_and_libraries_move_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option but the label, and the version of what cuts words."""
    known = load().info.fingerprint
    assert load(name="lexical").info.fingerprint == known
    others: list[dict[str, Any]] = [
        {"k1": 0.9},
        {"b": 0.4},
        {"method": "atire"},
        {"stemming": False},
        {"stopwords": True},
    ]
    assert len({known, *(load(**option).info.fingerprint for option in others)}) == 6
    real = module.metadata.version
    for library in ("PyStemmer", "pythainlp", "bm25s", "regex"):
        monkeypatch.setattr(module.metadata, "version", lambda name, own=library: "9" if name == own else real(name))
        assert load().info.fingerprint != known


@pytest.mark.parametrize("option", [{"k1": -1}, {"k1": "inf"}, {"b": 1.5}, {"method": "bm25+"}, {"ja": "jieba"}])
def test_bad_options_are_usage_errors(option: dict[str, Any]) -> None:
    """What is out of range or unknown is refused before anything is read."""
    with pytest.raises(UsageError, match=next(iter(option))):
        load_encoder("bm25", option)


@pytest.mark.parametrize(("option", "library"), [({"ja": "fugashi"}, "fugashi"), ({"ko": "kiwi"}, "kiwipiepy")])
def test_a_missing_segmenter_is_named(monkeypatch: pytest.MonkeyPatch, option: dict[str, Any], library: str) -> None:
    """The option and the package that it needs, when the searcher is made and not in the middle of a corpus."""

    def absent(name: str) -> str:
        raise module.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("harness.plugins.requirements.metadata.version", absent)
    with pytest.raises(UsageError, match=library):
        load(**option)


def test_a_corpus_is_streamed() -> None:
    """One pass over an iterable, and no text by its position."""
    corpus = Streamed(["the nile flows north", "tea is made from leaves"])
    found = load()
    found.index(corpus, language="en")
    assert corpus.read == 1
    assert found.search(["leaves of tea"], 1, language="en")[0].tolist() == [[1]]


def test_a_corpus_that_is_known_is_not_read_again() -> None:
    """Equal digests in the same language keep the index; another language or other texts do not."""
    first, same = Streamed(["running water"], known=True), Streamed(["running water"], known=True)
    found = load()
    found.index(first, language="en")
    found.index(same, language="en-GB")
    assert (first.read, same.read) == (1, 0)
    found.index(same, language="qaa")
    assert same.read == 1 and found.search(["run"], 1)[0].tolist() == [[-1]]
    found.index(Streamed(["a run"], known=True), language="qaa")
    assert found.search(["run"], 1)[0].tolist() == [[0]]
    found.index(["nothing"], language="qaa")
    found.index(same, language="qaa")
    assert found.search(["running"], 1)[0].tolist() == [[0]]


def test_queries_are_read_as_the_passages_are() -> None:
    """A Swahili question meets English stems, names and numbers as an English one would."""
    found = load()
    found.index(["Elections were held in 1963.", "The river flows."], language="en")
    for language in ("sw", "en", None):
        assert found.search(["Nani alishinda Elections 1963?"], 1, language=language)[0].tolist() == [[0]]
    expected = found.search(["elections"], 2, language="en")[1]
    np.testing.assert_array_equal(found.search(["Elections"], 2, language="sw")[1], expected)


def test_a_corpus_without_words() -> None:
    """Nothing, empty texts and signs are a corpus too, and no query has a hit."""
    found = load()
    for corpus in ([], [""], ["", "…", "🦁"]):
        found.index(corpus, language="en")
        positions, scores = found.search(["water", ""], 2, language="en")
        assert positions.tolist() == [[-1, -1], [-1, -1]] and not scores.any()
    assert found.search(["water"], 0)[0].shape == (1, 0)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """No progress bar of a library reaches the terminal."""
    found = load()
    found.index(["the nile flows north"] * 200, language="en")
    found.search(["nile"] * 20, 3, language="en")
    assert capfd.readouterr() == ("", "")


def test_rows_are_lists_of_ids() -> None:
    """The buffer gives back what was put in, by position, slice and iteration."""
    rows = Rows()
    for ids in ([3, 1], [], [2]):
        rows.append(ids)
    assert list(rows) == rows[:] == [[3, 1], [], [2]] and len(rows) == 3 and rows[2] == [2]
    with pytest.raises(IndexError):
        rows[3]


def test_pocket_end_to_end(tmp_path: Any) -> None:
    """Every task of the embedded collection: own languages are found, most of all where words are shared."""
    from harness.api import Selection, Settings

    done = evaluate("bm25", select=Selection(tasks=("miracl",)), settings=Settings(output=tmp_path))
    scores = {outcome.job.selected.subset.name: outcome.result.metrics["ndcg@10"] for outcome in done.outcomes}
    assert len(scores) == 18 and min(scores.values()) > 0.6, scores

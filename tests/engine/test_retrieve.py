"""From a job to its hits, through vectors or through a searcher's own matching."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.encoders.protocols import EncoderInfo, Searcher
from harness.engine import retrieve as module
from harness.engine.plan import DEPTH, Job
from harness.engine.retrieve import retrieve
from harness.engine.store import EmbeddingStore

PLANE = {"east": (1, 0), "north": (0, 1), "north-east": (0.6, 0.8), "west": (-1, 0), "north?": (0, 1), "east?": (1, 0)}


class Overlap:
    """A searcher that counts shared words; ties come in corpus order, as a searcher may leave them."""

    info = EncoderInfo(name="overlap", dim=0, fingerprint="o" * 64)

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, int]] = []

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Remember the words."""
        self.asked.append(("index", language, len(passages)))
        self._words = [set(passage.split()) for passage in passages]

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Passages with a shared word, most first; −1 where there are fewer."""
        self.asked.append(("search", language, k))
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            shared = [len(words & set(query.split())) for words in self._words]
            found = sorted((i for i, n in enumerate(shared) if n), key=lambda i: -shared[i])[:k]
            positions[row, : len(found)] = found
            scores[row, : len(found)] = [shared[i] for i in found]
        return positions, scores


def _ids(job: Job, row: np.ndarray) -> list[str]:
    return job.collection.corpus.ids_at(row[row >= 0])


@pytest.fixture
def plane(make_job: Callable[..., Job]) -> Job:
    """Four directions and two questions; two passages have the same text."""
    corpus = {"a": "east", "b": "north", "c": "north-east", "d": "west", "e": "north"}
    return make_job(corpus, {"q1": "north?", "q2": "east?"}, {"q1": {"b": 1}, "q2": {"a": 1}})


def test_vectors_are_ranked_by_inner_product(plane: Job, tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Hits stand in the order of geometry; equal texts tie and the greater id comes first."""
    told: list[int] = []
    encoder = toy_encoder(dim=2, vectors=PLANE)
    found = retrieve(plane, encoder, EmbeddingStore(tmp_path), told.append)
    assert [_ids(plane, row) for row in found.hits.positions] == [["e", "b", "c", "d", "a"], ["a", "c", "e", "b", "d"]]
    assert np.allclose(found.hits.scores[0], [1, 1, 0.8, 0, 0])
    assert found.encoded_texts == sum(told) == 6
    assert sorted(encoder.encoded) == sorted(PLANE)
    assert found.encode_seconds >= 0 and found.search_seconds >= 0


def test_a_second_retrieval_encodes_nothing(plane: Job, tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Vectors come from the store, of another process too, and give the same hits."""
    first = retrieve(plane, toy_encoder(dim=2, vectors=PLANE), EmbeddingStore(tmp_path), lambda n: None)
    silent = toy_encoder(dim=2, fails_on=[""])
    again = retrieve(plane, silent, EmbeddingStore(tmp_path), lambda n: None)
    assert again.encoded_texts == 0 and silent.calls == []
    assert np.array_equal(again.hits.positions, first.hits.positions)
    assert np.array_equal(again.hits.scores, first.hits.scores)


@pytest.mark.parametrize("block", [1, 7, 64, 10_000])
def test_blocks_of_the_scan_leave_no_trace(
    block: int,
    tmp_path: Path,
    make_job: Callable[..., Job],
    toy_encoder: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The best hundred of a corpus are the same for any block size, and are those of a full sort."""
    rng = np.random.default_rng(5)
    corpus = {f"p{i}": f"passage {i}" for i in range(230)}
    texts = [*corpus.values(), "q?"]
    vectors = dict(zip(texts, rng.integers(-2, 3, size=(231, 3)).tolist(), strict=True))
    job = make_job(corpus, {"q": "q?"}, {"q": {"p0": 1}})
    monkeypatch.setattr(module, "BLOCK", block)
    encoder = toy_encoder(dim=3, vectors=vectors, similarity="dot", normalized=False)
    found = retrieve(job, encoder, EmbeddingStore(tmp_path), lambda n: None)
    scores = {p: int(np.dot(vectors[text], vectors["q?"])) for p, text in corpus.items()}
    expected = sorted(scores, key=lambda p: (scores[p], p), reverse=True)[:DEPTH]
    assert _ids(job, found.hits.positions[0]) == expected


def test_an_encoder_needs_a_store(plane: Job, toy_encoder: Callable[..., Any]) -> None:
    """Without a store there is nowhere to put vectors, which is a mistake of the caller."""
    with pytest.raises(ValueError, match="store"):
        retrieve(plane, toy_encoder(dim=2), None, lambda n: None)


def test_a_searcher_finds_by_its_own_matching(make_job: Callable[..., Job]) -> None:
    """A searcher is given the rendered corpus, the queries and the depth; its ties are put in trec_eval's order."""
    job = make_job(
        {"a": "red fox", "b": "red", "c": "blue", "d": "red sea"},
        {"q1": "red", "q2": "red fox", "q3": "green"},
        {"q1": {"b": 1}},
        titles={"c": "red"},
        passage_template="{title} {text}",
    )
    searcher = Overlap()
    assert isinstance(searcher, Searcher)
    found = retrieve(job, searcher, None, lambda n: None)
    ranked = [_ids(job, row) for row in found.hits.positions]
    assert ranked == [["d", "c", "b", "a"], ["a", "d", "c", "b"], []]
    assert found.encoded_texts == 0
    assert searcher.asked == [("index", "sw", 4), ("search", "sw", DEPTH + 1)]

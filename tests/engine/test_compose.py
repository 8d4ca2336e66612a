"""Fusions and rerankings as models: what retrieves, what is tuned on what, who is blamed, and what tells two apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.encoders.compose import MinMaxOptions, MrTydiOptions, RrfOptions
from harness.encoders.protocols import EncoderInfo
from harness.engine.compose import (
    ALPHAS,
    Fusion,
    PartError,
    Reranked,
    encoders,
    fusion_info,
    leaves,
    needs_dev,
    reranked_info,
)
from harness.engine.plan import Job, plan_texts
from harness.engine.retrieve import Retriever, retrieve
from harness.engine.store import EmbeddingStore
from harness.errors import DataError

pytest.importorskip("ranx")

CORPUS = {
    f"p{i}": text for i, text in enumerate(["red fox", "red hen", "blue fox", "green hen", "blue sea", "old sea"])
}
QUERIES = {"q1": "red fox?", "q2": "blue?", "q3": "nothing at all?"}
QRELS = {"q1": {"p2": 1}, "q2": {"p4": 1}, "q3": {"p0": 1}}


class Words:
    """A searcher that counts shared words, and notes what it was asked to index."""

    def __init__(self, name: str = "words", **info: Any) -> None:
        self.info = EncoderInfo(**{"name": name, "dim": 0, "fingerprint": "w" * 64, **info})
        self.indexed: list[int] = []

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Remember the words."""
        self.indexed.append(len(passages))
        self._words = [set(passage.split()) for passage in passages]

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Passages with a shared word."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            shared = [len(words & set(query.strip("?").split())) for words in self._words]
            found = sorted((i for i, n in enumerate(shared) if n), key=lambda i: -shared[i])
            positions[row, : len(found)] = found
            scores[row, : len(found)] = [shared[i] for i in found]
        return positions, scores


class Broken(Words):
    """A searcher whose search raises, or returns what is no ranking."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__("broken")
        self._error = error

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Fail."""
        if self._error:
            raise self._error
        return np.zeros((len(queries), 1), np.int64), np.full((len(queries), 1), np.inf, np.float32)


class Reverse:
    """A reranker that likes the passages whose first letter comes late."""

    info = EncoderInfo(name="reverse", dim=0, fingerprint="v" * 64)

    def score(self, pairs: Sequence[tuple[str, str]], **languages: Any) -> Any:
        """The code of the first letter."""
        return np.array([ord(passage[0]) for _, passage in pairs], np.float32)


def _fusion(method: str, options: Any, **parts: Any) -> Fusion:
    name = f"{method}({', '.join(parts)})"
    return Fusion(fusion_info(name, method, options, [p.info for p in parts.values()]), parts, method, options, method)


def _rows(job: Job, found: Any) -> list[list[str]]:
    return [job.collection.corpus.ids_at(row[row >= 0]) for row in found.hits.positions]


def _lists(job: Job, model: Any, store: EmbeddingStore) -> list[dict[str, float]]:
    """What a part finds alone: for each query, passage id → score, best first."""
    found = retrieve(job, model, store, lambda n: None)
    return [
        dict(zip(ids, map(float, scores), strict=False))
        for ids, scores in zip(_rows(job, found), found.hits.scores, strict=True)
    ]


def _ranked(totals: dict[str, float]) -> list[str]:
    return sorted(totals, key=lambda p: (np.float32(totals[p]), p), reverse=True)


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """Three questions, the last of which shares no word with any passage."""
    return make_job(CORPUS, QUERIES, QRELS, splits=("dev", "test"), split="test")


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    """An empty store."""
    return EmbeddingStore(tmp_path / "store")


def test_a_fusion_of_a_searcher_and_an_encoder(
    job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """Reciprocal ranks of what both parts find alone, added up, with a query that one of them has nothing for."""
    encoder = toy_encoder()
    parts = [_lists(job, Words(), store), _lists(job, encoder, store)]
    calls = len(encoder.calls)
    found = retrieve(job, _fusion("rrf", RrfOptions(k=10), words=Words(), toy=encoder), store, lambda n: None)
    expected = []
    for query in range(len(QUERIES)):
        totals: dict[str, float] = {}
        for hits in (part[query] for part in parts):
            for place, passage in enumerate(hits, start=1):
                totals[passage] = totals.get(passage, 0.0) + 1 / (10 + place)
        expected.append(_ranked(totals))
    assert _rows(job, found) == expected
    assert len(encoder.calls) == calls and found.encoded_texts == 0 and found.tuned == {}


@pytest.mark.parametrize("weights", [None, (0.2, 3.0)])
def test_min_max_and_nesting(
    weights: tuple[float, ...] | None, job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """A fusion is a part like any other: its hundred best go into the outer one."""
    inner = _fusion("rrf", RrfOptions(), words=Words(), toy=toy_encoder())
    other = toy_encoder(fingerprint="0" * 64, dim=4)
    parts = [_lists(job, inner, store), _lists(job, other, store)]
    fusion = _fusion("minmax", MinMaxOptions(weights=weights), rrf=inner, other=other)
    expected = []
    for query in range(len(QUERIES)):
        totals: dict[str, float] = {}
        for weight, hits in zip(weights or (1, 1), (part[query] for part in parts), strict=True):
            low, high = min(hits.values()), max(hits.values())
            for passage, score in hits.items():
                totals[passage] = totals.get(passage, 0.0) + weight * (score - low) / (high - low)
        expected.append(_ranked(totals))
    assert _rows(job, retrieve(job, fusion, store, lambda n: None)) == expected
    assert [leaf.info.name for leaf in leaves(fusion)] == ["words", "toy", "toy"]
    assert [info.fingerprint[0] for info in encoders(fusion)] == ["f", "0"]


def test_reranking_a_fusion(job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]) -> None:
    """The first hits of any first stage are reordered; pairs are told as they are scored."""
    first = _fusion("rrf", RrfOptions(), words=Words(), toy=toy_encoder())
    before = _rows(job, retrieve(job, first, store, lambda n: None))
    model = Reranked(reranked_info("x", first.info, Reverse.info, 3), first, Reverse(), 3)
    told: list[tuple[int, int]] = []
    found = retrieve(job, model, store, lambda n: None, lambda n, of: told.append((n, of)))
    text = CORPUS.__getitem__
    expected = [sorted(row[:3], key=lambda p: (text(p)[0], p), reverse=True) + row[3:] for row in before]
    assert _rows(job, found) == expected
    assert told == [(9, 9)]


def test_the_weight_is_the_best_on_dev(
    job: Job, make_job: Callable[..., Job], store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """Of all α of the grid the one with the best main metric on the dev split alone, by a search of our own; the test
    split's judgements have no say.
    """
    dev_queries = {"d1": "fox?", "d2": "green hen?", "d3": "sea?"}
    chosen = set()
    for good in list(combinations(CORPUS, 2))[::3]:
        dev = make_job(CORPUS, dev_queries, {q: dict.fromkeys(good, 1) for q in dev_queries}, splits=("dev", "test"))
        encoder = toy_encoder()
        parts = [_lists(dev, Words(), store), _lists(dev, encoder, store)]
        scores = {alpha: _mrr(dev, parts, alpha, good) for alpha in ALPHAS}
        best = min(alpha for alpha in ALPHAS if scores[alpha] == max(scores.values()))
        fusion = _fusion("mrtydi", MrTydiOptions(alpha="dev"), words=Words(), toy=encoder)
        declared = replace(job.selected.task, metrics=("mrr@100",))
        tuned = replace(dev, selected=replace(dev.selected, task=declared))
        for qrels in (QRELS, {q: {"p5": 1} for q in QUERIES}):
            test = replace(job, dev=tuned, collection=replace(job.collection, qrels=qrels))
            assert retrieve(test, fusion, store, lambda n: None).tuned == {"mrtydi.alpha": best}
        fixed = _fusion("mrtydi", MrTydiOptions(alpha=best), words=Words(), toy=encoder)
        assert _rows(job, retrieve(replace(job, dev=tuned), fusion, store, lambda n: None)) == _rows(
            job, retrieve(job, fixed, store, lambda n: None)
        )
        chosen.add(best)
    assert len(chosen) > 1


def _mrr(dev: Job, parts: list[list[dict[str, float]]], alpha: float, good: Sequence[str]) -> float:
    """Mean reciprocal rank of the centred hybrid, written down anew."""
    total = 0.0
    for sparse, dense in zip(*parts, strict=True):
        totals: dict[str, float] = {}
        for passage in sparse.keys() | dense.keys():
            totals[passage] = _centred(sparse, passage) + alpha * _centred(dense, passage)
        total += 1 / (1 + min(i for i, p in enumerate(_ranked(totals)) if p in good))
    return total / len(parts[0])


def _centred(hits: dict[str, float], passage: str) -> float:
    """Min-max-normalised from 0, the minimum for what is missing: the centred score but for a constant."""
    low, high = min(hits.values(), default=0), max(hits.values(), default=1)
    return (hits.get(passage, low) - low) / (high - low) if high > low else 0.0


def test_tuning_inside_of_tuning(job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]) -> None:
    """A tuned part of a tuned fusion is tuned on the same dev split; both choices are told, by label."""
    inner = replace(_fusion("mrtydi", MrTydiOptions(alpha="dev"), words=Words(), toy=toy_encoder()), label="in")
    outer = replace(_fusion("mrtydi", MrTydiOptions(alpha="dev"), more=Words("more"), inner=inner), label="out")
    dev = replace(job, selected=replace(job.selected, split="dev"))
    found = retrieve(replace(job, dev=dev), outer, store, lambda n: None)
    assert list(found.tuned) == ["in.alpha", "out.alpha"] and needs_dev(outer)
    assert all(value in ALPHAS for value in found.tuned.values())
    with pytest.raises(ValueError, match="no dev split"):
        retrieve(job, outer, store, lambda n: None)


def test_a_dev_split_that_scores_nobody(job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]) -> None:
    """Without a judgement there is nothing to tune on, and the fusion says so."""
    fusion = _fusion("mrtydi", MrTydiOptions(alpha="dev"), words=Words(), toy=toy_encoder())
    dev = replace(job, collection=replace(job.collection, qrels={}), selected=replace(job.selected, split="dev"))
    with pytest.raises(PartError, match="fusion 'mrtydi': toy-task/sw \\(dev\\): no query") as caught:
        retrieve(replace(job, dev=dev), fusion, store, lambda n: None)
    assert isinstance(caught.value.__cause__, DataError)


def test_a_corpus_is_indexed_once(
    job: Job, make_job: Callable[..., Job], store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """Dev and test split, and one subset after the other on one corpus, share the index; another corpus does not."""
    words = Words()
    fusion = _fusion("mrtydi", MrTydiOptions(alpha="dev"), words=words, toy=toy_encoder())
    dev = replace(job, selected=replace(job.selected, split="dev"))
    other = make_job({"x": "red"}, QUERIES, {q: {"x": 1} for q in QUERIES})
    retriever = Retriever(store, lambda n: None)
    first = retriever.retrieve(replace(job, dev=dev), fusion)
    retriever.retrieve(job, words)
    assert words.indexed == [6]
    retriever.retrieve(other, words)
    again = retriever.retrieve(replace(job, dev=dev), fusion)
    assert words.indexed == [6, 1, 6]
    assert _rows(job, again) == _rows(job, first)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("no index"), "part 'b': RuntimeError: no index (in search, test_compose.py:"),
        (None, "part 'b': a hit has a score that is NaN or infinite"),
    ],
)
def test_the_part_that_fails_is_named(
    error: Exception | None, message: str, job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """The innermost part is blamed, once, and its own error is the cause."""
    inner = _fusion("rrf", RrfOptions(), words=Words(), b=Broken(error))
    outer = _fusion("minmax", MinMaxOptions(), inner=inner, toy=toy_encoder())
    model = Reranked(reranked_info("x", outer.info, Reverse.info, 3), outer, Reverse(), 3)
    with pytest.raises(PartError) as caught:
        retrieve(job, model, store, lambda n: None)
    assert caught.value.message.startswith(message) and caught.value.message.count("part") == 1
    assert caught.value.__cause__ is not None


def test_the_reranker_that_fails_is_named(
    job: Job, store: EmbeddingStore, toy_encoder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a reranker throws is its own doing."""
    encoder = toy_encoder()
    model = Reranked(reranked_info("x", encoder.info, Reverse.info, 3), encoder, Reverse(), 3)
    monkeypatch.setattr(Reverse, "score", lambda self, pairs, **languages: 1 / 0)
    with pytest.raises(PartError, match="reranker 'reverse': ZeroDivisionError"):
        retrieve(job, model, store, lambda n: None)


def test_texts_of_all_parts_and_of_dev_are_counted(
    job: Job, make_job: Callable[..., Job], store: EmbeddingStore, toy_encoder: Callable[..., Any]
) -> None:
    """The plan counts what each encoder part lacks, dev questions included, and a run encodes exactly that."""
    left, right = toy_encoder(), toy_encoder(fingerprint="0" * 64)
    fusion = _fusion("mrtydi", MrTydiOptions(alpha="dev"), left=left, right=right)
    dev = make_job(CORPUS, {"d1": "fox?", "d2": "blue?"}, {"d1": {"p0": 1}, "d2": {"p2": 1}})
    tuned = replace(job, dev=dev)
    (planned,) = plan_texts([tuned], [None], store, encoders(fusion))
    assert planned.to_encode == 2 * (3 + 6 + 1)  # "blue?" is asked in both splits
    found = retrieve(tuned, fusion, store, lambda n: None)
    assert found.encoded_texts == planned.to_encode == len(left.encoded) + len(right.encoded)
    assert plan_texts([tuned], [None], store, encoders(fusion))[0].to_encode == 0


BASE = EncoderInfo(name="a", dim=8, fingerprint="a" * 64, max_tokens=512, training_datasets=("nq",))


@pytest.mark.parametrize(
    "changed",
    [
        {"fingerprint": "b" * 64},
        {"dtype": "float16"},
        {"normalized": False, "similarity": "dot"},
        {"prompts": {"query": "query: "}},
    ],
)
def test_whatever_decides_a_part_decides_the_whole(changed: dict[str, Any]) -> None:
    """Weights, precision, normalisation and prompts of any part, at any depth, make another fingerprint."""
    other = EncoderInfo(name="b", dim=8, fingerprint="c" * 64)
    options = RrfOptions()

    def made(info: EncoderInfo) -> list[str]:
        fused = fusion_info("f", "rrf", options, [other, info])
        return [
            fused.fingerprint,
            fusion_info("f", "minmax", MinMaxOptions(), [fused, other]).fingerprint,
            reranked_info("r", info, other, 100).fingerprint,
            reranked_info("r", other, info, 100).fingerprint,
        ]

    assert not set(made(BASE)) & set(made(replace(BASE, **changed)))


def test_method_options_order_and_depth_decide_too() -> None:
    """No two of these are the same measurement."""
    other = EncoderInfo(name="b", dim=8, fingerprint="c" * 64)
    pair = [BASE, other]
    made = [
        fusion_info("f", "rrf", RrfOptions(), pair),
        fusion_info("f", "rrf", RrfOptions(k=61), pair),
        fusion_info("f", "rrf", RrfOptions(), pair[::-1]),
        fusion_info("f", "rrf", RrfOptions(), [*pair, other]),
        fusion_info("f", "minmax", MinMaxOptions(), pair),
        fusion_info("f", "mrtydi", MrTydiOptions(), pair),
        fusion_info("f", "mrtydi", MrTydiOptions(alpha="dev"), pair),
        reranked_info("f", BASE, other, 100),
        reranked_info("f", BASE, other, 50),
        reranked_info("f", other, BASE, 100),
    ]
    assert len({info.fingerprint for info in made}) == len(made)
    assert fusion_info("g", "rrf", RrfOptions(), pair).fingerprint == made[0].fingerprint


def test_what_a_composition_says_of_itself() -> None:
    """No dimensions; the shortest limit; devices and dtypes of all; training data only where all is known."""
    half = EncoderInfo(
        name="b", dim=8, fingerprint="c" * 64, dtype="float16", device="cuda:0", training_datasets=("nq", "x")
    )
    info = fusion_info("f", "rrf", RrfOptions(), [BASE, half])
    assert (info.dim, info.max_tokens, info.dtype, info.device) == (0, 512, "float32+float16", "cpu+cuda:0")
    assert info.training_datasets == ("nq", "x")
    nested = fusion_info("g", "rrf", RrfOptions(), [info, replace(half, training_datasets=None)])
    assert nested.training_datasets is None and nested.dtype == "float32+float16"
    assert fusion_info("g", "rrf", RrfOptions(), [replace(BASE, training_datasets=())] * 2).training_datasets == ()


def test_the_dev_data_is_part_of_an_identity(job: Job) -> None:
    """A result whose weight was chosen on other dev data is another result; without tuning nothing has changed."""
    dev = replace(job, collection=replace(job.collection, qrels={"q1": {"p5": 1}}))
    identities = {made.identity(BASE, None) for made in (job, replace(job, dev=job), replace(job, dev=dev))}
    assert len(identities) == 3

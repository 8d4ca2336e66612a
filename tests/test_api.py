"""The public API: names and objects run alike, plans can be carried out, and nothing is computed twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness import Selection, Settings
from harness._util.folders import cache_root
from harness.encoders.protocols import EncoderInfo
from harness.engine.plan import Overwrite
from harness.errors import UsageError
from harness.results.store import load, read_all

ONE = Selection(tasks=("miracl/sw",))


def test_an_encoder_by_name(tmp_path: Path) -> None:
    """A name runs the encoder of that name and writes one file for the task and split."""
    evaluation = harness.evaluate("hashing", options={"dim": 64}, select=ONE, settings=Settings(tmp_path / "out"))
    (outcome,) = evaluation.outcomes
    assert outcome.result.status == "ok" and not evaluation.failed
    assert evaluation.source == "pocket"
    (path,) = evaluation.paths
    assert list((tmp_path / "out").rglob("*.json")) == [path]
    written = load(path)
    assert written.subsets["sw"] == outcome.result
    assert (written.encoder.spec, written.encoder.distribution, written.encoder.options["dim"]) == (
        "hashing", "lamir-harness", 64,
    )  # fmt: skip
    assert outcome.result.counts is not None
    assert (outcome.result.counts.queries, outcome.result.counts.passages) == (40, 40)


def test_scores_of_a_plain_object_equal_an_independent_computation(
    tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """Encoding, search and scoring together give what numpy and the formula of nDCG give."""
    encoder = toy_encoder(dim=16)
    evaluation = harness.evaluate(encoder, select=ONE, settings=Settings(tmp_path / "out"))
    job = evaluation.outcomes[0].job
    queries, passages = (toy_encoder(dim=16).encode(list(job.texts(role)), role=role) for role in ("query", "passage"))
    ids, expected = list(job.collection.corpus.column("id")), []
    for query, row in zip(
        job.collection.queries.ids, queries.astype(np.float64) @ passages.T.astype(np.float64), strict=True
    ):
        ranked = sorted(zip(row, ids, strict=True), reverse=True)
        rank = [passage for _, passage in ranked].index(next(iter(job.collection.qrels[query])))
        expected.append(1 / np.log2(rank + 2) if rank < 10 else 0.0)
    assert evaluation.outcomes[0].result.metrics["ndcg@10"] == pytest.approx(np.mean(expected))


def test_plain_objects_carry_a_card(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """An object that nobody registered is labelled by its own info and marked as an object."""
    evaluation = harness.evaluate(toy_encoder(name="My Encoder!"), select=ONE, settings=Settings(tmp_path / "out"))
    card = load(evaluation.paths[0]).encoder
    assert (card.name, card.spec, card.distribution, card.kind) == ("My Encoder!", "My-Encoder", "(object)", "encoder")


def test_a_plain_searcher_runs(tmp_path: Path) -> None:
    """A searcher object needs no store and is marked as what it is."""

    class First:
        info = EncoderInfo(name="first", dim=0, fingerprint="1" * 64)

        def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
            """Nothing."""

        def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
            """The first passage for everyone."""
            return np.zeros((len(queries), 1), np.int64), np.ones((len(queries), 1), np.float32)

    plan = harness.plan(First(), select=ONE, settings=Settings(tmp_path / "out"))
    assert plan.store is None and plan.to_encode == 0
    evaluation = harness.evaluate(plan)
    assert evaluation.outcomes[0].result.metrics["recall@100"] == pytest.approx(1 / 40)
    assert load(evaluation.paths[0]).encoder.kind == "searcher"


def test_running_again_computes_nothing(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """The same run finds its results, reuses them and leaves the file as it is."""
    settings = Settings(tmp_path / "out")
    first = harness.evaluate(toy_encoder(), select=ONE, settings=settings)
    before = first.paths[0].read_bytes()
    encoder = toy_encoder()
    again = harness.evaluate(encoder, select=ONE, settings=settings)
    assert [o.reused for o in again.outcomes] == [True]
    assert again.outcomes[0].result == first.outcomes[0].result
    assert encoder.calls == []
    assert again.paths == first.paths and again.paths[0].read_bytes() == before


def test_other_weights_are_another_result(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Two fingerprints of one name neither share a file nor a score nor a vector."""
    settings = Settings(tmp_path / "out")
    first = harness.evaluate(toy_encoder(), select=ONE, settings=settings)
    other = toy_encoder(fingerprint="0" * 64)
    second = harness.evaluate(other, select=ONE, settings=settings)
    assert not second.outcomes[0].reused and len(other.encoded) == 80
    assert first.paths != second.paths


def test_fingerprints_that_begin_alike_stay_apart(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """A fingerprint need not be a hash: two that share their first letters are still two encoders with two files."""
    settings = Settings(tmp_path / "out")
    for fingerprint in ("my-model-v1", "my-model-v2"):
        harness.evaluate(toy_encoder(fingerprint=fingerprint), select=ONE, settings=settings)
    assert sorted(file.encoder.fingerprint for file in read_all(tmp_path / "out")) == ["my-model-v1", "my-model-v2"]


def test_overwrite_always_scores_again_with_stored_vectors(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """`always` computes what is there already; vectors are no results and are kept."""
    harness.evaluate(toy_encoder(), select=ONE, settings=Settings(tmp_path / "out"))
    encoder = toy_encoder()
    again = harness.evaluate(encoder, select=ONE, settings=Settings(tmp_path / "out", overwrite=Overwrite.ALWAYS))
    assert [o.reused for o in again.outcomes] == [False]
    assert encoder.calls == []


def test_overwrite_never_only_reports(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """`never` shows what is there, computes nothing and writes nothing."""
    harness.evaluate(toy_encoder(), select=ONE, settings=Settings(tmp_path / "out"))
    encoder = toy_encoder()
    both = Selection(tasks=("miracl/sw", "miracl/yo"))
    found = harness.evaluate(encoder, select=both, settings=Settings(tmp_path / "out", overwrite=Overwrite.NEVER))
    assert [o.job.selected.subset.name for o in found.outcomes] == ["sw"]
    assert encoder.calls == []


def test_failures_are_tried_again(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """A failed subset stands in the file, and the next run computes it and it alone."""
    both = Selection(tasks=("miracl/sw", "miracl/yo"))
    settings = Settings(tmp_path / "out")
    plan = harness.plan(toy_encoder(), select=both, settings=settings)
    word = plan.jobs[1].job.collection.queries.texts[0]
    first = harness.evaluate(toy_encoder(fails_on=[word]), select=both, settings=settings)
    assert [o.result.status for o in first.outcomes] == ["ok", "failed"]
    assert [o.job.selected.subset.name for o in first.failed] == ["yo"]
    assert load(first.paths[0]).subsets["yo"].status == "failed"
    second = harness.evaluate(toy_encoder(), select=both, settings=settings)
    assert [(o.result.status, o.reused) for o in second.outcomes] == [("ok", True), ("ok", False)]
    assert [s.status for s in load(second.paths[0]).subsets.values()] == ["ok", "ok"]


def test_files_grow_in_the_order_of_the_task(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Subsets scored in two runs stand in one file, in the order in which the task declares them."""
    for subset in ("yo", "ar"):
        harness.evaluate(
            toy_encoder(), select=Selection(tasks=(f"miracl/{subset}",)), settings=Settings(tmp_path / "out")
        )
    (file,) = read_all(tmp_path / "out")
    assert list(file.subsets) == ["ar", "yo"]


def test_a_limited_run_has_a_file_of_its_own(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Partial results never stand where complete ones do."""
    full = harness.evaluate(toy_encoder(), select=ONE, settings=Settings(tmp_path / "out"))
    short = harness.evaluate(
        toy_encoder(), select=Selection(tasks=("miracl/sw",), limit=3), settings=Settings(tmp_path / "out")
    )
    assert full.paths[0].name != short.paths[0].name
    assert short.outcomes[0].result.status == "partial"
    assert load(full.paths[0]).subsets["sw"].status == "ok"


def test_a_plan_can_be_looked_at_and_carried_out(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """A plan writes nothing, says what it will cost, and evaluating it costs exactly that."""
    encoder = toy_encoder()
    both = Selection(tasks=("xor-tydi/te", "xor-tydi/ko"))
    plan = harness.plan(encoder, select=both, settings=Settings(tmp_path / "out"))
    assert [p.to_encode for p in plan.jobs] == [160, 40] and plan.to_encode == 200
    assert encoder.calls == [] and not (tmp_path / "out").exists() and not list(tmp_path.rglob("*.npy"))
    evaluation = harness.evaluate(plan)
    assert len(encoder.encoded) == plan.to_encode
    again = harness.evaluate(plan)
    assert [o.result.metrics for o in again.outcomes] == [o.result.metrics for o in evaluation.outcomes]
    assert len(encoder.encoded) == plan.to_encode
    assert harness.plan(toy_encoder(), select=both, settings=Settings(tmp_path / "out")).to_encode == 0


def test_to_frame(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """One row for each subset, one column for each metric, failures included."""
    both = Selection(tasks=("miracl/sw", "miracl/yo"))
    word = harness.plan(toy_encoder(), select=both).jobs[1].job.collection.queries.texts[0]
    evaluation = harness.evaluate(toy_encoder(fails_on=[word]), select=both, settings=Settings(tmp_path / "out"))
    frame = evaluation.to_frame()
    assert list(frame.columns) == [
        "encoder", "task", "subset", "split", "status", "ndcg@10", "recall@100", "mrr@100",
    ]  # fmt: skip
    assert frame["subset"].tolist() == ["sw", "yo"]
    assert frame["status"].tolist() == ["ok", "failed"]
    assert frame["ndcg@10"].isna().tolist() == [False, True]
    assert frame["ndcg@10"][0] == evaluation.outcomes[0].result.metrics["ndcg@10"]
    rows = evaluation.rows()
    assert rows[0]["counts"]["queries"] == 40 and "cannot encode" in rows[1]["error"]
    json.dumps(rows)


def test_a_folder_runs_like_a_benchmark(
    tmp_path: Path, write_subset: Callable[..., Path], toy_encoder: Callable[..., Any]
) -> None:
    """Somebody's own data in BEIR layout is a task called after its folder."""
    vectors = {"red": (1, 0), "blue": (0, 1), "which red?": (1, 0)}
    write_subset(tmp_path / "colours" / "en", {"p1": "red", "p2": "blue"}, {"q1": "which red?"}, {"q1": {"p1": 1}})
    evaluation = harness.evaluate(
        toy_encoder(dim=2, vectors=vectors), source=str(tmp_path / "colours"), settings=Settings(tmp_path / "out")
    )
    (row,) = evaluation.rows()
    assert (row["task"], row["subset"], row["split"]) == ("colours", "en", "test")
    assert row["metrics"] == {"ndcg@10": 1.0, "mrr@100": 1.0, "recall@100": 1.0}


def test_the_cache_is_where_it_was_asked_for(
    tmp_path: Path, toy_encoder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting goes before $HARNESS_CACHE."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "from-environment"))
    harness.evaluate(toy_encoder(), select=ONE, settings=Settings(tmp_path / "out", cache=tmp_path / "from-setting"))
    assert list((tmp_path / "from-setting").rglob("*.npy")) and not (tmp_path / "from-environment").exists()
    harness.evaluate(toy_encoder(fingerprint="0" * 64), select=ONE, settings=Settings(tmp_path / "out"))
    assert list((tmp_path / "from-environment").rglob("*.npy"))


def test_public_names() -> None:
    """Everything that `harness` offers can be had, and nothing else can."""
    for name in harness.__all__:
        assert getattr(harness, name) is not None
    assert set(dir(harness)) == set(harness.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        harness.no_such_name  # noqa: B018
    assert [task.name for task in harness.list_tasks()][:3] == ["xor-tydi", "mr-tydi", "miracl"]


def test_an_encoder_with_a_price_is_asked_before_it_starts(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Its sentence is part of the plan, nothing is encoded when it refuses, and it is silent where nothing is to do."""

    def priced(limit: int) -> Any:
        encoder = toy_encoder()

        def forecast(texts: Any) -> str:
            count = sum(len(some) for _, some in texts)
            if count > limit:
                raise UsageError(f"{count} texts are too many")
            return f"{count} texts"

        encoder.forecast = forecast
        return encoder

    settings = Settings(tmp_path / "out")
    dear = priced(3)
    with pytest.raises(UsageError, match=r"\d+ texts are too many"):
        harness.evaluate(dear, select=ONE, settings=settings)
    assert dear.calls == []
    plan = harness.plan(priced(10_000), select=ONE, settings=settings)
    assert plan.forecasts == (f"{plan.to_encode} texts",)
    harness.evaluate(plan)
    assert harness.plan(priced(10_000), select=ONE, settings=settings).forecasts == ()


def test_the_cache_of_a_run_is_that_of_its_plugins(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """What an encoder keeps for itself goes where the run keeps its embeddings, and only during the run."""
    seen = []
    encoder = toy_encoder()
    encode = encoder.encode
    encoder.encode = lambda *texts, **keys: (seen.append(cache_root()), encode(*texts, **keys))[1]
    before = cache_root()
    harness.evaluate(encoder, select=ONE, settings=Settings(tmp_path / "out", cache=tmp_path / "mine"))
    assert set(seen) == {tmp_path / "mine"} and cache_root() == before != tmp_path / "mine"

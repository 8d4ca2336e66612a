"""Carrying out a plan: a subset that fails is a result with a reason, and the others are scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.engine.execute import Outcome, Silent, execute
from harness.engine.plan import Job, plan_texts
from harness.engine.scoring import Ranking
from harness.engine.store import EmbeddingStore
from harness.results.schema import SubsetResult
from harness.tasks.model import Subset


class Diary(Silent):
    """A reporter and a sink that write down what they are told, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.results: dict[str, SubsetResult] = {}

    def begin(self, texts: int, subsets: int) -> None:
        """Note it."""
        self.lines.append(("begin", texts, subsets))

    def start(self, label: str) -> None:
        """Note it."""
        self.lines.append(("start", label))

    def finish(self, label: str, result: SubsetResult) -> None:
        """Note it."""
        self.lines.append(("finish", label, result.status))

    def end(self) -> None:
        """Note it."""
        self.lines.append(("end",))

    def reuse(self, job: Job) -> None:
        """Note a result that was there."""
        self.lines.append(("reuse", job.selected.label))

    def keep(self, job: Job, ranking: Ranking) -> None:
        """Take a ranking, which nobody asked for."""

    def write(self, job: Job, result: SubsetResult) -> None:
        """Note it, as a sink."""
        self.lines.append(("write", job.selected.label))
        self.results[job.selected.subset.name] = result


@pytest.fixture
def three(make_job: Callable[..., Job]) -> list[Job]:
    """Three subsets over one corpus; the question of the second holds the word BAD."""
    corpus = {"p1": "first", "p2": "second"}
    return [
        make_job(corpus, {"q1": question}, {"q1": {"p1": 1}}, subset=Subset(name, name, "en"))
        for name, question in (("am", "one?"), ("sw", "BAD?"), ("yo", "three?"))
    ]


def _run(
    jobs: list[Job], encoder: Any, root: Path, diary: Diary, *, limit: int | None = None, fail_fast: bool = False
) -> list[Outcome]:
    store = EmbeddingStore(root)
    planned = plan_texts(jobs, [None] * len(jobs), store, [encoder.info])
    return execute(planned, encoder, store, limit=limit, sink=diary, reporter=diary, fail_fast=fail_fast)


def test_one_failure_hurts_nobody_else(three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """The subset that the encoder cannot do is `failed` with a reason; those before and after it are scored."""
    diary = Diary()
    outcomes = _run(three, toy_encoder(fails_on=["BAD"]), tmp_path, diary)
    assert [o.result.status for o in outcomes] == ["ok", "failed", "ok"]
    failed = diary.results["sw"]
    assert failed.error is not None and failed.error.startswith("RuntimeError: cannot encode 'BAD?'")
    assert "in encode, conftest.py:" in failed.error
    assert failed.metrics == {} and failed.counts is None and failed.timings is None
    assert failed.identity == three[1].identity(toy_encoder().info, None)
    assert set(diary.results["am"].metrics) == {"ndcg@10", "mrr@100", "recall@100"}


def test_reasons_hold_no_folder(three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """The place of an error is told by function, file and line, without the folders of a machine."""
    diary = Diary()
    _run(three, toy_encoder(fails_on=["BAD"]), tmp_path, diary)
    assert "/" not in str(diary.results["sw"].error)


def test_fail_fast_stops_at_the_first_failure(
    three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """With `fail_fast` nothing after the failed subset is touched, and the failure itself is written."""
    diary, encoder = Diary(), toy_encoder(fails_on=["BAD"])
    outcomes = _run(three, encoder, tmp_path, diary, fail_fast=True)
    assert [o.result.status for o in outcomes] == ["ok", "failed"]
    assert list(diary.results) == ["am", "sw"]
    assert "three?" not in encoder.encoded
    assert diary.lines[-1] == ("end",)


def test_each_result_is_written_before_the_next_subset_begins(
    three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """What is finished is durable at once; the reporter hears of it after that."""
    diary = Diary()
    _run(three[::2], toy_encoder(), tmp_path, diary)
    assert diary.lines == [
        ("begin", 4, 2),
        ("start", "toy-task/am"),
        ("write", "toy-task/am"),
        ("finish", "toy-task/am", "ok"),
        ("start", "toy-task/yo"),
        ("write", "toy-task/yo"),
        ("finish", "toy-task/yo", "ok"),
        ("end",),
    ]


def test_what_is_done_is_reused(three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """A job with a result is passed on as it is: neither computed, nor written, nor reported as work."""
    diary, encoder = Diary(), toy_encoder()
    there = SubsetResult(status="ok", split="dev", data="d", identity="i")
    store = EmbeddingStore(tmp_path)
    planned = plan_texts(three, [None, there, None], store, [encoder.info])
    outcomes = execute(planned, encoder, store, limit=None, sink=diary, reporter=diary, fail_fast=False)
    assert [o.reused for o in outcomes] == [False, True, False]
    assert outcomes[1].result is there
    assert ("start", "toy-task/sw") not in diary.lines and "sw" not in diary.results
    assert "BAD?" not in encoder.encoded


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes(
    stop: type[BaseException], three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """An interrupt ends the run at once and is nobody's failure; what was written stays, the reporter is closed."""
    encoder = toy_encoder()
    encode = encoder.encode

    def interrupted(texts: list[str], **kwargs: Any) -> Any:
        if "BAD?" in texts:
            raise stop
        return encode(texts, **kwargs)

    encoder.encode = interrupted
    diary = Diary()
    with pytest.raises(stop):
        _run(three, encoder, tmp_path, diary)
    assert list(diary.results) == ["am"]
    assert diary.lines[-1] == ("end",)


def test_a_limited_result_is_partial(three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """The limit stands in the result and in its status, so that no board can take it for a complete one."""
    (outcome,) = _run(three[:1], toy_encoder(), tmp_path, Diary(), limit=1)
    assert (outcome.result.status, outcome.result.limit) == ("partial", 1)


def test_a_result_is_complete(three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Scores come with counts, per-query values, timings, memory and the hash of the data they were made from."""
    encoder = toy_encoder(dim=2, vectors={"one?": (1, 0), "first": (1, 0), "second": (0, 1)})
    result = _run(three[:1], encoder, tmp_path, Diary())[0].result
    assert result.metrics == {"ndcg@10": 1.0, "mrr@100": 1.0, "recall@100": 1.0}
    assert result.counts is not None
    assert result.counts.model_dump() == {"queries": 1, "scored": 1, "passages": 2, "judgements": 1, "relevant": 1}
    assert result.per_query["ranking"].ids == ("q1",)
    assert result.data == three[0].collection.fingerprint
    assert result.timings is not None and result.timings.encoded_texts == 3
    assert result.peak_memory is not None and result.peak_memory > 1 << 20


def test_a_reason_that_is_no_text_is_still_a_reason(
    three: list[Job], tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """Foreign code may raise with a message that is not valid Unicode; that too is this subset's failure alone."""
    encoder = toy_encoder()

    def broken(texts: list[str], **kwargs: Any) -> Any:
        raise ValueError("broken \ud800 text")

    encoder.encode = broken
    outcomes = _run(three, encoder, tmp_path, Diary())
    assert [o.result.status for o in outcomes] == ["failed"] * 3
    assert "broken" in str(outcomes[0].result.error)
    outcomes[0].result.model_dump_json()


def test_a_searcher_with_nan_scores_fails_alone(three: list[Job]) -> None:
    """NaN from a searcher cannot be ranked: it is a failure with a reason, not a score."""
    import numpy as np

    from harness.encoders.protocols import EncoderInfo

    class Nan:
        info = EncoderInfo(name="nan", dim=0, fingerprint="n" * 64)

        def index(self, passages: list[str], *, language: str | None = None) -> None:
            """Nothing."""

        def search(self, queries: list[str], k: int, *, language: str | None = None) -> Any:
            """One hit, with no score."""
            return np.zeros((len(queries), 1), np.int64), np.full((len(queries), 1), np.nan, np.float32)

    planned = plan_texts(three[:1], [None], None, [Nan.info])
    diary = Diary()
    (outcome,) = execute(planned, Nan(), None, limit=None, sink=diary, reporter=diary, fail_fast=False)
    assert outcome.result.status == "failed"
    assert "NaN" in str(outcome.result.error)

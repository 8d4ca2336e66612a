"""The plan: what is refused before anything is encoded, what is counted, and what an identity stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.encoders.protocols import EncoderInfo
from harness.engine import plan
from harness.engine.encode import fill
from harness.engine.plan import Job, load_jobs, plan_texts, texts_to_encode
from harness.engine.store import EmbeddingStore
from harness.engine.texts import Questions
from harness.errors import DataError, UsageError
from harness.results.schema import SubsetResult
from harness.sources import Queries, open_source
from harness.tasks.model import Subset
from harness.tasks.selection import Selection, select

INFO = EncoderInfo(name="toy", dim=8, fingerprint="f" * 64)

CORPUS = {"p1": "first", "p2": "second", "p3": "third"}
QUERIES = {"q1": "one?", "q2": "two?"}
QRELS = {"q1": {"p1": 1}, "q2": {"p2": 1, "p3": 0}}


def _done(job: Job) -> SubsetResult:
    return SubsetResult(status="ok", split="dev", data="d", identity=job.identity(INFO, None))


def test_malformed_subsets_are_refused_all_at_once(
    tmp_path: Path, write_subset: Callable[..., Path], toy_encoder: Callable[..., Any]
) -> None:
    """One error names every malformed subset, and no text of the good ones has been encoded by then."""
    import harness

    good = {"q1": {"p1": 1}}
    write_subset(tmp_path / "data" / "am", CORPUS, {"q1": "?"}, good)
    write_subset(tmp_path / "data" / "ha", CORPUS, {"q1": "?"}, {"q1": {"gone": 1}})
    write_subset(tmp_path / "data" / "sw", CORPUS, {"q1": "?"}, {"q9": {"p1": 1}})
    (write_subset(tmp_path / "data" / "yo", CORPUS, {"q1": "?"}, good) / "corpus.jsonl").write_text("{\n")
    encoder = toy_encoder()
    with pytest.raises(DataError) as caught:
        harness.evaluate(encoder, source=str(tmp_path / "data"), settings=harness.Settings(tmp_path / "out"))
    message = str(caught.value)
    assert all(word in message for word in ("'gone'", "'q9'", "corpus.jsonl:1"))
    assert [name for name in ("/am/", "/ha/", "/sw/", "/yo/") if name in message] == ["/ha/", "/sw/", "/yo/"]
    assert encoder.calls == []
    assert not (tmp_path / "out").exists()


def test_many_malformed_subsets_are_cut_to_ten(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """Ten problems are shown and the others counted: an error message is read by a person."""
    for i in range(13):
        write_subset(tmp_path / f"s{i:02}", {f"p{i}": "text"}, {"q": "?"}, {"q": {"gone": 1}})
    source = open_source(str(tmp_path))
    with pytest.raises(DataError, match="and 3 more") as caught:
        load_jobs(source, select(source.tasks(), Selection()), None)
    assert caught.value.message.count("gone") == 10


def test_one_damaged_corpus_behind_many_subsets_is_named_once(
    tmp_path: Path, write_subset: Callable[..., Path]
) -> None:
    """A problem that several subsets share is one line of the error."""
    for name in ("en", "sw", "yo"):
        write_subset(tmp_path / name, CORPUS, QUERIES, QRELS)
    (tmp_path / "en" / "corpus.jsonl").write_text("broken\n")
    source = open_source(str(tmp_path), corpus_from="en")
    with pytest.raises(DataError) as caught:
        load_jobs(source, select(source.tasks(), Selection()), None)
    assert caught.value.message.count("corpus.jsonl:1") == 1


def test_limit_keeps_the_first_queries(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """`limit` cuts the queries and their judgements, never the corpus."""
    write_subset(tmp_path / "sw", CORPUS, QUERIES, QRELS)
    source = open_source(str(tmp_path))
    (job,) = load_jobs(source, select(source.tasks(), Selection()), 1)
    assert job.collection.queries.ids == ("q1",)
    assert dict(job.collection.qrels) == {"q1": {"p1": 1}}
    assert len(job.collection.corpus) == 3


def test_an_unknown_measure_is_refused_before_its_data_is_read(make_job: Callable[..., Job]) -> None:
    """A task that declares a measure nobody can compute fails in the plan, not after hours of encoding."""
    job = make_job(CORPUS, QUERIES, QRELS, metrics=("ndgc@10",))

    class Source:
        name, revision, variant = "none", None, ""

        def tasks(self) -> tuple[Any, ...]:
            return ()

        def load(self, selected: Any) -> Any:
            raise AssertionError("the data was read")

    with pytest.raises(UsageError, match="ndgc@10"):
        load_jobs(Source(), [job.selected], None)


def test_shared_texts_are_counted_once(tmp_path: Path, make_job: Callable[..., Job]) -> None:
    """Subsets that search one corpus count it with the first of them; repeats within a subset count once."""
    sw = make_job(CORPUS, {"q1": "one?", "q2": "one?"}, QRELS, subset=Subset("sw", "sw", "en"))
    te = make_job(CORPUS, {"q1": "one?", "q2": "three?"}, QRELS, subset=Subset("te", "te", "en"))
    planned = plan_texts([sw, te], [None, None], EmbeddingStore(tmp_path), [INFO])
    assert [(p.queries_to_encode, p.passages_to_encode) for p in planned] == [(1, 3), (1, 0)]
    assert [p.to_encode for p in planned] == [4, 1]


def test_language_aware_encoders_share_less(tmp_path: Path, make_job: Callable[..., Job]) -> None:
    """For an encoder that reads the language, equal questions of two languages are two texts, the corpus stays one."""
    sw = make_job(CORPUS, QUERIES, QRELS, subset=Subset("sw", "sw", "en"))
    te = make_job(CORPUS, QUERIES, QRELS, subset=Subset("te", "te", "en"))
    planned = plan_texts([sw, te], [None, None], EmbeddingStore(tmp_path), [replace(INFO, language_aware=True)])
    assert [(p.queries_to_encode, p.passages_to_encode) for p in planned] == [(2, 3), (2, 0)]


def test_a_passage_is_not_a_query(tmp_path: Path, make_job: Callable[..., Job]) -> None:
    """A text that is a query and a passage is encoded in both roles."""
    job = make_job({"p1": "same"}, {"q1": "same"}, {"q1": {"p1": 1}})
    (planned,) = plan_texts([job], [None], EmbeddingStore(tmp_path), [INFO])
    assert (planned.queries_to_encode, planned.passages_to_encode) == (1, 1)


def test_stored_and_scored_texts_are_not_counted(
    tmp_path: Path, make_job: Callable[..., Job], toy_encoder: Callable[..., Any]
) -> None:
    """What has a vector costs nothing; a job that has a result needs nothing and takes nothing from later jobs."""
    job = make_job(CORPUS, QUERIES, QRELS)
    encoder = toy_encoder()
    store = EmbeddingStore(tmp_path)
    space = store.space(encoder.info, "passage", "sw")
    fill(space, encoder, Questions(Queries(("p2",), ("second",)), "sw"), role="passage", advance=lambda n: None)
    (planned,) = plan_texts([job], [None], store, [encoder.info])
    assert (planned.queries_to_encode, planned.passages_to_encode) == (2, 2)
    first, second = plan_texts([job, job], [_done(job), None], store, [encoder.info])
    assert (first.to_encode, second.to_encode) == (0, 4)


def test_a_searcher_encodes_nothing(make_job: Callable[..., Job]) -> None:
    """Without a store there is nothing to encode."""
    (planned,) = plan_texts([make_job(CORPUS, QUERIES, QRELS)], [None], None, [INFO])
    assert planned.to_encode == 0


def test_measures_are_the_tasks_own_first(make_job: Callable[..., Job]) -> None:
    """The common ranking measures follow the task's own without repeats, and only where there are judgements."""
    assert make_job(CORPUS, QUERIES, QRELS, metrics=("mrr@100",)).measures == ("mrr@100", "ndcg@10", "recall@100")
    answered = make_job(CORPUS, QUERIES, {}, answers={"q1": ("x",)}, metrics=("r@2kt",))
    assert answered.measures == ("r@2kt",)


_CHANGES: dict[str, dict[str, Any]] = {
    "task name": {"name": "other"},
    "task version": {"version": "2"},
    "subset": {"subset": Subset("te", "te", "te")},
    "split": {"split": "test"},
    "template": {"passage_template": "{title} {text}"},
    "measures": {"metrics": ("ndcg@20",)},
    "a title": {"titles": {"p1": "Title"}},
    "a passage": {"corpus": {**CORPUS, "p1": "changed"}},
    "a passage id": {"corpus": {"p0": "first", "p2": "second", "p3": "third"}, "qrels": {"q2": {"p2": 1, "p3": 0}}},
    "passage order": {"corpus": dict(reversed(CORPUS.items()))},
    "a question": {"queries": {**QUERIES, "q1": "changed?"}},
    "a grade": {"qrels": {**QRELS, "q1": {"p1": 2}}},
    "answers": {"answers": {"q1": ("x",)}},
}


@pytest.mark.parametrize("change", _CHANGES)
def test_identity_changes_with_the_job(change: str, make_job: Callable[..., Job]) -> None:
    """Everything of a task and its data that a score depends on is part of the identity."""
    plain: dict[str, Any] = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS}
    changed = make_job(**{**plain, **_CHANGES[change]})
    assert changed.identity(INFO, None) != make_job(**plain).identity(INFO, None)


@pytest.mark.parametrize(
    "info",
    [
        replace(INFO, fingerprint="0" * 64),
        replace(INFO, dtype="bfloat16"),
        replace(INFO, prompts={"query": "query: "}),
        replace(INFO, similarity="dot", normalized=False),
    ],
    ids=["fingerprint", "dtype", "prompts", "normalisation"],
)
def test_identity_changes_with_the_encoder(info: EncoderInfo, make_job: Callable[..., Job]) -> None:
    """Weights, precision, prompts and the similarity that vectors are compared by decide what a score is."""
    job = make_job(CORPUS, QUERIES, QRELS)
    assert job.identity(info, None) != job.identity(INFO, None)


def test_identity_changes_with_the_version(make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another meaning of scores makes every result stale; of a searcher's hits, those of models without vectors."""
    job, searcher = make_job(CORPUS, QUERIES, QRELS), replace(INFO, dim=0)
    before = [job.identity(info, None) for info in (INFO, searcher)]
    monkeypatch.setattr(plan, "SEARCHER_VERSION", plan.SEARCHER_VERSION + 1)
    assert [job.identity(info, None) == old for info, old in zip((INFO, searcher), before, strict=True)] == [
        True,
        False,
    ]
    monkeypatch.setattr(plan, "PROTOCOL_VERSION", plan.PROTOCOL_VERSION + 1)
    assert job.identity(INFO, None) != before[0]


def test_identity_changes_with_the_limit(make_job: Callable[..., Job]) -> None:
    """A partial score is another score, also where the limit happens to keep every query."""
    job = make_job(CORPUS, QUERIES, QRELS)
    assert len({job.identity(INFO, limit) for limit in (None, 1, 2, 3)}) == 4


@pytest.mark.parametrize(
    "info",
    [
        replace(INFO, name="renamed"),
        replace(INFO, device="cuda:0"),
        replace(INFO, licence="MIT", model="m", revision="r", training_datasets=("t",), languages=("sw",)),
    ],
    ids=["name", "device", "description"],
)
def test_identity_stays_with_descriptions_of_the_encoder(info: EncoderInfo, make_job: Callable[..., Job]) -> None:
    """What describes an encoder without changing a vector makes no finished result stale."""
    job = make_job(CORPUS, QUERIES, QRELS)
    assert job.identity(info, None) == job.identity(INFO, None)


@pytest.mark.parametrize(
    "task", [{"title": "Renamed"}, {"licence": "MIT"}, {"citation": "New."}, {"summary": "x"}, {"family": "other"}]
)
def test_identity_stays_with_descriptions_of_the_task(task: dict[str, Any], make_job: Callable[..., Job]) -> None:
    """Titles, licences and citations may be corrected without scoring anything again."""
    plain = make_job(CORPUS, QUERIES, QRELS)
    assert make_job(CORPUS, QUERIES, QRELS, **task).identity(INFO, None) == plain.identity(INFO, None)


def test_texts_are_what_the_encoder_reads(make_job: Callable[..., Job]) -> None:
    """Passages come through the task's template, once, with their language; queries come as they are."""
    job = make_job(
        CORPUS,
        QUERIES,
        QRELS,
        titles={"p2": "Title"},
        passage_template="{title}\n\n{text}",
        subset=Subset("bem-en", "bem", "en"),
    )
    queries, passages = job.texts("query"), job.texts("passage")
    assert (list(queries), queries.language) == (["one?", "two?"], "bem")
    assert (list(passages), passages.language) == (["first", "Title\n\nsecond", "third"], "en")


def test_texts_to_encode_are_those_that_were_counted(tmp_path: Path, make_job: Callable[..., Job]) -> None:
    """Each distinct text once, by role, without what another job of the plan or the store has already."""
    store = EmbeddingStore(tmp_path)
    one = make_job({**CORPUS, "p4": "first"}, QUERIES, QRELS)
    two = make_job({"p1": "third", "p2": "fourth"}, {"q1": "one?"}, {"q1": {"p1": 1}})
    planned = plan_texts([one, two], [None, None], store, [INFO])
    texts = list(texts_to_encode(planned, store, INFO))
    assert sum(len(some) for _, some in texts) == sum(plan.to_encode for plan in planned)
    assert [text for role, some in texts for text in some if role == "passage"] == [
        "first",
        "second",
        "third",
        "fourth",
    ]
    assert [text for role, some in texts for text in some if role == "query"] == ["one?", "two?"]
    done = plan_texts([one, two], [_done(one), None], store, [INFO])
    assert [text for _, some in texts_to_encode(done, store, INFO) for text in some] == ["one?", "third", "fourth"]

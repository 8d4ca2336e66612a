"""Scoring a file from another system: depth, counts, what is absent, and where texts come from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import DataError, UsageError
from harness.rescore import rescore
from harness.results.trec import write_qrels, write_run
from harness.results.xor_predictions import Prediction, write_predictions
from harness.sources import open_source
from harness.sources.collection import Asked, Collection, Queries
from harness.sources.corpus import Corpus
from harness.sources.pocket.source import topics
from harness.tasks.model import Task
from harness.tasks.selection import Selected
from harness.tasks.xor_tydi import XOR_TYDI

XOR = ("ar", "bn", "fi", "ja", "ko", "ru", "te")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two judged queries and one that nobody judged."""
    hits = {f"d{i:03}": 1.0 for i in range(110)}
    write_run(tmp_path / "run.txt", {"q1": hits, "q2": {"a": 2.0, "b": 1.0}, "extra": {"a": 1.0}}, "t")
    return tmp_path / "run.txt"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Two questions of each language of XOR-TyDi, one of which is not scored."""
    rows = [
        {"id": f"{language}-{kind}", "question": "?", "answers": [kind], "lang": language}
        for language in XOR
        for kind in ("Nile", "yes")
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "answers.jsonl"


def _qrels(tmp_path: Path, relevant: str) -> Path:
    write_qrels(tmp_path / "qrels.txt", {"q1": {relevant: 1, "d108": 0}, "q2": {"b": 1}, "q3": {"a": 1}})
    return tmp_path / "qrels.txt"


@pytest.mark.parametrize(("relevant", "mrr", "recall"), [("d109", 1.0, 1.0), ("d010", 0.01, 1.0), ("d009", 0.0, 0.0)])
def test_a_hundred_passages_count(tmp_path: Path, run: Path, relevant: str, mrr: float, recall: float) -> None:
    """The cut falls inside ties as the ids say, and what lies below it is not there."""
    found = rescore(run, task="mr-tydi/sw", qrels=_qrels(tmp_path, relevant))
    assert found.measures == ("mrr@100", "recall@100", "ndcg@10")
    (row,) = found.subsets
    assert row.scores.per_query["mrr@100"] == pytest.approx({"q1": mrr, "q2": 0.5, "q3": 0.0})
    assert row.scores.per_query["recall@100"]["q1"] == recall
    assert row.scores.metrics["mrr@100"] == pytest.approx((mrr + 0.5) / 3)


def test_what_is_counted(tmp_path: Path, run: Path) -> None:
    """Missing and extra queries by name; unjudged passages in the first ten of judged queries, zeros being judged."""
    (row,) = rescore(run, task="mr-tydi/sw", qrels=_qrels(tmp_path, "d109")).subsets
    assert (row.missing, row.extra) == (("q3",), ("extra",))
    assert row.counts() == {
        "judged": 3, "scored": 3, "in_run": 3, "missing": 1, "extra": 1, "unjudged_in_top_10": 8 + 1,
    }  # fmt: skip


def test_the_first_ten_are_the_first_by_score(tmp_path: Path) -> None:
    """Whatever the order of the lines: of twelve passages the two with the lowest scores are not looked at."""
    lines = [f"q1 Q0 d{i:02} 1 {i}.5 t\n" for i in range(12)]
    (tmp_path / "run.txt").write_text("".join(lines))
    write_qrels(tmp_path / "qrels.txt", {"q1": {"d00": 1, "d01": 1, "d02": 1}})
    (row,) = rescore(tmp_path / "run.txt", task="mr-tydi/sw", qrels=tmp_path / "qrels.txt").subsets
    assert row.unjudged == 9


def test_judgements_of_a_source(tmp_path: Path) -> None:
    """Without --qrels the source's judgements count, and its split is chosen as everywhere."""
    write_run(tmp_path / "run.txt", _pocket_run(), "t")
    found = rescore(tmp_path / "run.txt", task="miracl/sw", source=open_source("pocket"))
    (row,) = found.subsets
    assert found.measures == ("ndcg@10", "recall@100", "mrr@100")
    assert (row.selected.split, row.judged, len(row.missing)) == ("dev", 40, 30)
    assert row.scores.metrics == pytest.approx(dict.fromkeys(found.measures, 10 / 40))


def _pocket_run(language: str = "te") -> dict[str, dict[str, float]]:
    """A perfect run of the first ten pocket questions."""
    return {f"{topic.topic}?": {topic.topic: 1.0} for topic in topics(language)[:10]}


def test_folder_judges_a_repeated_query_once(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """A folder's repeats are left out as in a run; its second copy is a query that does not count."""
    write_subset(
        tmp_path / "mine" / "sw", {"d": "x", "e": "y"}, {"a": "same", "b": "same"}, {"a": {"d": 1}, "b": {"d": 1}}
    )
    write_run(tmp_path / "run.txt", {"a": {"d": 1.0}, "b": {"e": 1.0}}, "t")
    (row,) = rescore(tmp_path / "run.txt", task="mine/sw", source=open_source(str(tmp_path / "mine"))).subsets
    assert (row.judged, row.extra) == (1, ("b",))
    assert row.scores.metrics["mrr@100"] == 1.0


def test_a_run_of_ids_is_scored_by_answers(tmp_path: Path) -> None:
    """A source looks the passages up; judgements give the common measures beside the task's own."""
    write_run(tmp_path / "run.txt", _pocket_run(), "t")
    found = rescore(tmp_path / "run.txt", task="xor-tydi/te", source=open_source("pocket"))
    assert found.measures == ("r@2kt", "r@5kt", "ndcg@10", "mrr@100", "recall@100")
    (row,) = found.subsets
    assert row.scores.metrics["recall@100"] == pytest.approx(10 / 40)
    assert 0 < row.scores.metrics["r@2kt"] <= 10 / 40
    assert len(row.missing) == 30


class Hundred:
    """A source with one question and 102 passages of two tokens, of which `here` holds the answer."""

    name, revision, variant = "hundred", None, ""

    def __init__(self, here: str) -> None:
        ids = [f"p{i:03}" for i in range(102)]
        texts = ["the Nile" if passage == here else "w w" for passage in ids]
        self._collection = Collection(Corpus(ids, [""] * 102, texts), Queries(("q",), ("?",)), {}, {"q": ("Nile",)})

    def tasks(self) -> tuple[Task, ...]:
        """XOR-TyDi."""
        return (XOR_TYDI,)

    def asked(self, selected: Selected) -> Asked:
        """The question."""
        return self._collection.asked

    def load(self, selected: Selected) -> Collection:
        """The question and the passages."""
        return self._collection


@pytest.mark.parametrize(("here", "hit"), [("p101", 1.0), ("p002", 1.0), ("p001", 0.0), ("p050", 1.0)])
def test_ids_become_texts_in_rank_order_and_to_the_same_depth(tmp_path: Path, here: str, hit: float) -> None:
    """The hundred passages with the greater ids are read, all scores being equal; the token budget is never full."""
    write_run(tmp_path / "run.txt", {"q": {f"p{i:03}": 0.5 for i in range(102)}}, "t")
    found = rescore(tmp_path / "run.txt", task="xor-tydi/te", source=Hundred(here))
    assert found.measures == ("r@2kt", "r@5kt")  # no judgements, no ranking measures
    assert found.subsets[0].scores.metrics == {"r@2kt": hit, "r@5kt": hit}
    assert found.subsets[0].unjudged is None


def test_texts_are_joined_in_rank_order(tmp_path: Path) -> None:
    """Of two passages that hold an answer together, the one with the better score comes first."""
    source = Hundred("p007")
    for scores, hit in (({"p007": 1.0, "p008": 2.0}, 1.0), ({"p008": 1.0, "p007": 2.0}, 0.0)):
        write_run(tmp_path / "run.txt", {"q": scores}, "t")
        (tmp_path / "a.jsonl").write_text('{"id": "q", "answers": ["w the Nile"], "lang": "te"}\n')
        (tmp_path / "run.txt").write_text("".join(sorted((tmp_path / "run.txt").read_text().splitlines(True))))
        found = rescore(tmp_path / "run.txt", task="xor-tydi/te", source=source, answers=tmp_path / "a.jsonl")
        assert found.subsets[0].scores.metrics["r@2kt"] == hit


def test_texts_score_as_their_ids(tmp_path: Path) -> None:
    """The texts behind the ids, given as predictions, score the same."""
    source = open_source("pocket")
    passages = {topic.topic: topic.passage for topic in topics("en")}
    run = _pocket_run()
    write_run(tmp_path / "run.txt", run, "t")
    texts = [Prediction(query, "te", tuple(passages[hit] for hit in hits)) for query, hits in run.items()]
    write_predictions(tmp_path / "run.json", texts)
    by_ids = rescore(tmp_path / "run.txt", task="xor-tydi/te", source=source).subsets[0]
    by_texts = rescore(tmp_path / "run.json", task="xor-tydi/te", source=source).subsets[0]
    for measure in ("r@2kt", "r@5kt"):
        assert by_texts.scores.per_query[measure] == by_ids.scores.per_query[measure]
    assert by_texts.unjudged is None


def test_an_unknown_passage_is_refused(tmp_path: Path) -> None:
    """A passage that the source's corpus lacks has no text."""
    write_run(tmp_path / "run.txt", {next(iter(_pocket_run())): {"nowhere": 1.0}}, "t")
    with pytest.raises(DataError, match="retrieves 'nowhere', which is not in the corpus"):
        rescore(tmp_path / "run.txt", task="xor-tydi/te", source=open_source("pocket"))


def _predict(tmp_path: Path, *rows: Prediction) -> Path:
    write_predictions(tmp_path / "run.json", rows)
    return tmp_path / "run.json"


def _hit(language: str, *, stated: bool = True) -> Prediction:
    return Prediction(f"{language}-Nile", language if stated else None, ("the Nile",))


def test_all_languages_make_an_average(tmp_path: Path, answers: Path) -> None:
    """Every declared language has a score, found by its word or by the question it is about."""
    for stated in (True, False):
        file = _predict(
            tmp_path, *(_hit(language, stated=stated) for language in XOR[:-1]), Prediction("te-yes", "te", ())
        )
        found = rescore(file, task="xor-tydi", answers=answers)
        assert {row.selected.subset.name: row.scores.metrics["r@2kt"] for row in found.subsets} == {
            **dict.fromkeys(XOR, 1.0),
            "te": 0.0,
        }
        assert found.averages() == {"Avg": pytest.approx({"r@2kt": 6 / 7, "r@5kt": 6 / 7})}
        assert (found.absent, found.other_languages) == ((), ())


def test_a_language_without_predictions_is_absent(tmp_path: Path, answers: Path) -> None:
    """It is not zero, and there is no average without it; a foreign language is named."""
    file = _predict(tmp_path, *map(_hit, XOR[:-1]), Prediction("x", "sw", ()))
    found = rescore(file, task="xor-tydi", answers=answers)
    assert (found.absent, found.averages(), found.other_languages) == (("te",), {}, ("sw",))


def test_one_language_of_a_file_of_all(tmp_path: Path, answers: Path) -> None:
    """Only the subset that was asked for is scored; one subset has no average."""
    found = rescore(_predict(tmp_path, *map(_hit, XOR)), task="xor-tydi/te", answers=answers)
    assert [row.selected.subset.name for row in found.subsets] == ["te"]
    assert found.other_languages == XOR[:-1] and found.averages() == {}


def test_predictions_for_a_source(tmp_path: Path) -> None:
    """The pocket questions have the same ids in every language: the word of the entry tells them apart."""
    rows = [Prediction(query, language, ("nothing",)) for language in ("te", "bn") for query in _pocket_run()]
    found = rescore(_predict(tmp_path, *rows), task="xor-tydi", source=open_source("pocket"))
    assert [(row.selected.subset.name, row.judged, row.retrieved) for row in found.subsets] == [
        ("bn", 40, 10),
        ("te", 40, 10),
    ]
    bare = _predict(tmp_path, Prediction(next(iter(_pocket_run())), None, ()))
    with pytest.raises(DataError, match=r"entry 0 .* has no 'lang', and several languages ask this question"):
        rescore(bare, task="xor-tydi", source=open_source("pocket"))


def test_a_language_that_is_not_the_questions_is_refused(tmp_path: Path, answers: Path) -> None:
    """It would move the question to another language's mean."""
    file = _predict(tmp_path, _hit("te"), Prediction("bn-Nile", "te", ()))
    with pytest.raises(
        DataError, match=r"entry 1 \('bn-Nile'\) is in 'te', and .*answers.jsonl has that question in bn"
    ):
        rescore(file, task="xor-tydi", answers=answers)


def test_mkqa_reads_predictions_by_its_own_rule(tmp_path: Path) -> None:
    """Answer recall at k counts passages, and matches case and accents as DPR does."""
    (tmp_path / "a.jsonl").write_text('{"id": "1", "answers": ["the nile"], "lang": "da"}\n')
    file = _predict(tmp_path, Prediction("1", "da", (*["x"] * 30, "The NILE.")))
    (row,) = rescore(file, task="mkqa/da-en", answers=tmp_path / "a.jsonl").subsets
    assert row.scores.metrics == {"answer-recall@100": 1.0, "answer-recall@20": 0.0}


def test_no_question_with_an_answer_has_no_mean(tmp_path: Path) -> None:
    """Nothing to average is not 0."""
    (tmp_path / "a.jsonl").write_text('{"id": "1", "answers": ["yes"], "lang": "te"}\n')
    found = rescore(
        _predict(tmp_path, Prediction("1", "te", ("yes",))), task="xor-tydi/te", answers=tmp_path / "a.jsonl"
    )
    assert (found.subsets[0].scores.metrics, found.subsets[0].scored) == ({}, 0)


def test_what_does_not_go_together(tmp_path: Path, run: Path, answers: Path) -> None:
    """Each combination that cannot work is a usage error which says why."""
    texts = _predict(tmp_path, _hit("te"))
    qrels = _qrels(tmp_path, "d109")
    pocket = open_source("pocket")
    for file, given, message in [
        (run, {"task": "mr-tydi", "qrels": qrels}, "a TREC run is of one subset, and 'mr-tydi' has 11"),
        (run, {"task": "mi*/yo", "qrels": qrels}, "names 2 tasks and a file is of one: miracl, miracl-hard-negatives"),
        (run, {"task": "miracl/yoo", "qrels": qrels}, "task 'miracl' has no subset 'yoo' here\n  Did you mean 'yo'?"),
        (run, {"task": "mr-tydi/sw"}, "mr-tydi/sw cannot be scored from the file alone\n  Give --qrels FILE"),
        (run, {"task": "mr-tydi/sw", "answers": answers}, "scored by judged passages"),
        (run, {"task": "xor-tydi/te", "answers": answers}, "Give a list of predicted texts"),
        (texts, {"task": "xor-tydi/te", "qrels": qrels}, "texts cannot be looked up in --qrels"),
        (texts, {"task": "xor-tydi/te"}, "Give --answers FILE"),
        (texts, {"task": "mr-tydi/sw", "qrels": qrels}, "This looks like JSON"),
        (run, {"task": "mr-tydi/sw", "source": pocket}, "none of its 3 queries is among the 40 that count"),
        (texts, {"task": "xor-tydi/te", "source": pocket}, "none of its 1 queries is among the 40 that count"),
        (texts, {"task": "xor-tydi/bn", "answers": answers}, "no prediction is in bn; it has te"),
        (tmp_path / "none", {"task": "mr-tydi/sw", "qrels": qrels}, "none: cannot be read"),
        (run, {"task": "mr-tydi/sw", "qrels": qrels, "split": "tset"}, "has no split 'tset'"),
    ]:
        with pytest.raises(UsageError) as caught:
            rescore(file, **given)  # type: ignore[arg-type]
        assert message in str(caught.value)

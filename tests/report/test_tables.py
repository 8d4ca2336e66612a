"""Result files as tables: averages over complete sets alone, and three kinds of empty cell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from harness.report.tables import DECLINED, FAILED, MISSING, build
from harness.results.schema import ResultFile

Make = Callable[..., ResultFile]


def test_macro_average_of_a_complete_set(make_result: Make) -> None:
    """The average is the unweighted mean of the subsets' scores."""
    (table,) = build([make_result({"sw": 0.2, "te": 0.4, "yo": 0.9})])
    (row,) = table.rows
    assert row.averages == (pytest.approx(0.5),)
    assert row.scored == 3
    assert row.cells == {"sw": 0.2, "te": 0.4, "yo": 0.9}


@pytest.mark.parametrize("hole", ["absent", "failed", "declined"])
def test_an_incomplete_set_has_no_average(hole: str, make_result: Make) -> None:
    """Whatever the reason for which one subset has no score: there is no average, and coverage says 2 of 3."""
    scores: dict[str, float | str] = {"sw": 0.2, "te": 0.4}
    if hole != "absent":
        scores["yo"] = hole
    ((row,),) = [table.rows for table in build([make_result(scores)])]
    assert row.averages == (None,)
    assert row.scored == 2
    assert row.cells["yo"] == {"absent": MISSING, "failed": FAILED, "declined": DECLINED}[hole]


def test_missing_failed_and_declined_are_three_things() -> None:
    """The words differ, so that no reader can take one for another."""
    assert len({MISSING, FAILED, DECLINED}) == 3


def test_a_score_of_zero_is_a_score(make_result: Make) -> None:
    """0 is neither missing nor left out of an average."""
    ((row,),) = [table.rows for table in build([make_result({"sw": 0.0, "te": 0.0, "yo": 0.0})])]
    assert row.averages == (0.0,) and row.scored == 3


def test_several_averages_are_complete_each_for_itself(make_result: Make) -> None:
    """A hole in one frozen set takes nothing from the average of another."""
    averages = ({"title": "Own", "subsets": ("sw", "te")}, {"title": "Other", "subsets": ("yo",)})
    (table,) = build([make_result({"sw": 0.2, "te": 0.4}, task={"averages": averages})])
    assert table.rows[0].averages == (pytest.approx(0.3), None)


def test_partial_results_are_left_out_unless_asked_for(make_result: Make) -> None:
    """A limited result is no result of a board; a person who ran it may look at it."""
    partial = make_result({"sw": "partial", "te": 0.4})
    (table,) = build([partial])
    assert table.rows[0].cells == {"sw": MISSING, "te": 0.4, "yo": MISSING}
    (table,) = build([partial], partial=True)
    assert table.rows[0].cells["sw"] == 0.5
    assert build([make_result({"sw": "partial"})]) == []


def test_rows_are_ordered_by_average_then_coverage_then_name(make_result: Make) -> None:
    """Complete rows come first, the best on top; among incomplete ones, the one with more scores."""
    full = {"sw": 0.5, "te": 0.5, "yo": 0.5}
    files = [
        make_result({"sw": 0.9}, name="one high score", fingerprint="1" * 64),
        make_result(full, name="b-tied", fingerprint="2" * 64),
        make_result({"sw": 0.1, "te": 0.1, "yo": "failed"}, name="two low scores", fingerprint="3" * 64),
        make_result(full, name="a-tied", fingerprint="4" * 64),
        make_result({**full, "yo": 0.6}, name="best", fingerprint="5" * 64),
        make_result({**full, "yo": 0.0}, name="worst complete", fingerprint="6" * 64),
        make_result({"sw": "failed"}, name="nothing", fingerprint="7" * 64),
    ]
    expected = ["best", "a-tied", "b-tied", "worst complete", "two low scores", "one high score", "nothing"]
    for order in (files, files[::-1], files[3:] + files[:3]):
        (table,) = build(order)
        assert [row.label for row in table.rows] == expected


def test_a_task_without_average_is_ordered_by_its_only_subset(make_result: Make) -> None:
    """With one subset, its score is what rows are ranked by."""
    facts = {"declared": ("sw",), "task": {"averages": ()}}
    files = [
        make_result({"sw": score}, name=name, fingerprint=name * 64, **facts)
        for name, score in (("a", 0.1), ("b", 0.9), ("c", "failed"))
    ]
    (table,) = build(files)
    assert [row.label for row in table.rows] == ["b", "a", "c"]


def test_two_checkpoints_with_one_name_are_two_rows(make_result: Make) -> None:
    """Rows are told apart by weights; where names agree, the fingerprint is shown."""
    files = [
        make_result({"sw": 0.1}, name="lamir", fingerprint="a" * 64),
        make_result({"sw": 0.2}, name="lamir", fingerprint="b" * 64),
        make_result({"sw": 0.3}, name="other", fingerprint="c" * 64),
    ]
    (table,) = build(files)
    assert {row.label: row.cells["sw"] for row in table.rows} == {
        "lamir #aaaaaaaa": 0.1, "lamir #bbbbbbbb": 0.2, "other": 0.3,
    }  # fmt: skip


def test_files_of_one_encoder_and_task_are_one_row(make_result: Make) -> None:
    """Subsets that stand in two files, as splits do, meet in one row."""
    files = [make_result({"sw": 0.2}), make_result({"te": 0.4, "yo": 0.6})]
    for order in permutations(files):
        (table,) = build(order)
        assert [row.cells for row in table.rows] == [{"sw": 0.2, "te": 0.4, "yo": 0.6}]


def test_tasks_that_differ_never_share_a_table(make_result: Make) -> None:
    """Another version, source, variant or set of subsets is another experiment."""
    plain = make_result({"sw": 0.2})
    for change in ({"version": "2"}, {"source": "folder"}, {"variant": "from-en"}, {"subsets": {"sw": "dev"}}):
        tables = build([plain, make_result({"sw": 0.3}, fingerprint="0" * 64, task=change)])
        assert [len(table.rows) for table in tables] == [1, 1]


def test_tables_follow_the_order_of_families(make_result: Make) -> None:
    """XOR-TyDi, Mr.TyDi, MIRACL, low-resource, then everything else by name; one table for each metric."""
    families = ["zebra", "low-resource", "miracl", "apple", "mr-tydi", "xor-tydi"]
    files = [make_result({"sw": 0.2}, task={"family": name, "name": name, "title": name}) for name in families]
    expected = ["xor-tydi", "mr-tydi", "miracl", "low-resource", "apple", "zebra"]
    assert [table.task.name for table in build(files)] == expected
    assert [table.task.name for table in build(files[::-1])] == expected


def test_metrics_are_the_tasks_own_unless_chosen(make_result: Make) -> None:
    """Each metric of the task is a table; a metric that a result lacks is missing, not zero."""
    result = make_result({"sw": 0.2}, task={"metrics": ("ndcg@10", "recall@100")})
    first, second = build([result])
    assert (first.title, second.title) == ("MIRACL v1.0: nDCG@10", "MIRACL v1.0: Recall@100")
    assert second.rows[0].cells["sw"] == MISSING
    assert [table.metric for table in build([result], metrics=["ndcg@10"])] == ["ndcg@10"]


def test_the_best_of_a_column_needs_a_rival(make_result: Make) -> None:
    """One row alone is not the best of anything; failed and missing cells are no rivals."""
    alone = make_result({"sw": 0.9, "te": 0.5, "yo": 0.1}, name="a", fingerprint="a" * 64)
    (table,) = build([alone])
    assert [table.best(s) for s in table.subsets] == [None] * 3 and table.best_average(0) is None
    (table,) = build([alone, make_result({"sw": 0.2, "te": "failed"}, name="b", fingerprint="b" * 64)])
    assert [table.best(s) for s in table.subsets] == [0.9, None, None]
    assert table.best_average(0) is None
    (table,) = build([alone, make_result({"sw": 1.0, "te": 1.0, "yo": 1.0}, name="b", fingerprint="b" * 64)])
    assert table.best_average(0) == 1.0


def test_counts_stand_with_their_subsets(make_result: Make) -> None:
    """Scored queries and passages of each column, for the columns that anybody has scored."""
    (table,) = build([make_result({"te": 0.2, "sw": "failed"})])
    assert table.counts == {"te": (2, 40)}


def test_training_data_is_looked_at(make_result: Make) -> None:
    """A row says whether its encoder has seen the task; of a fusion, one part that has is enough, and one unknown."""

    def row(task: dict[str, str], encoder: dict[str, Any]) -> bool | None:
        (table,) = build([make_result({"sw": 0.2}, task=task, encoder=encoder)])
        return table.rows[0].has_seen

    official = {"source": "official"}
    assert row(official, {"training_datasets": ("MrTidyRetrieval",)}) is True
    assert row(official, {"training_datasets": ("nq",)}) is False
    assert row(official, {"training_datasets": None}) is None
    assert row({"source": "pocket"}, {"training_datasets": None}) is False

    def fused(*training: tuple[str, ...] | None) -> dict[str, Any]:
        card = make_result({}).encoder.model_dump()
        return {"parts": {str(i): {**card, "training_datasets": names} for i, names in enumerate(training)}}

    assert row(official, fused((), None)) is None
    assert row(official, fused(None, ("miracl",))) is True
    assert row(official, fused((), ("nq",))) is False


def test_no_results_are_no_tables() -> None:
    """Nothing in, nothing out."""
    assert build([]) == []


def test_two_precisions_of_one_checkpoint_are_two_rows(make_result: Callable[..., ResultFile]) -> None:
    """bfloat16 and float32 rows of the same weights stand apart, each under its dtype."""
    scores = {"sw": 0.5, "te": 0.5, "yo": 0.5}
    half = make_result({"sw": 0.4, "te": 0.4, "yo": 0.4}, encoder={"dtype": "bfloat16"})
    (table,) = build([make_result(scores), half])
    assert [row.label for row in table.rows] == ["toy float32", "toy bfloat16"]
    assert [row.averages[0] for row in table.rows] == pytest.approx([0.5, 0.4])


def test_a_better_citation_does_not_split_a_table(make_result: Make) -> None:
    """What is only said of a task may change between two runs: the newer words are shown, in any order of files."""
    older = make_result({"sw": 0.2}, name="alpha", fingerprint="a" * 64)
    newer = make_result({"sw": 0.4}, name="beta", fingerprint="b" * 64, task={"citation": "Better.", "licence": "MIT"})
    newer = newer.model_copy(
        update={"provenance": newer.provenance.model_copy(update={"written": "2026-02-01T00:00:00+00:00"})}
    )
    for files in ([older, newer], [newer, older]):
        (table,) = build(files)
        assert [row.label for row in table.rows] == ["alpha", "beta"]
        assert (table.task.citation, table.task.licence) == ("Better.", "MIT")
    assert len(build([older, make_result({"sw": 0.4}, name="beta", task={"passage_template": "{text}"})])) == 2


def test_scores_on_different_data_are_different_tables(make_result: Make) -> None:
    """Two corpora under one name are told apart by their hashes; subsets that do not overlap stay together."""

    def on(data: str, scores: dict[str, float | str], name: str) -> ResultFile:
        made = make_result(scores, name=name, fingerprint=name[0] * 64)
        subsets = {key: subset.model_copy(update={"data": data * 64}) for key, subset in made.subsets.items()}
        return made.model_copy(update={"subsets": subsets})

    tables = build([on("1", {"sw": 0.9}, "alpha"), on("2", {"sw": 0.1}, "beta"), on("1", {"te": 0.5}, "gamma")])
    assert [(table.task.title, [row.label for row in table.rows]) for table in tables] == [
        ("MIRACL v1.0 (data 11111111)", ["alpha", "gamma"]),
        ("MIRACL v1.0 (data 22222222)", ["beta"]),
    ]
    (table,) = build([on("1", {"sw": 0.9}, "alpha"), on("1", {"sw": 0.1}, "beta")])
    assert table.task.title == "MIRACL v1.0"


def test_the_newest_result_of_a_subset_counts(make_result: Make) -> None:
    """The same weights under two names are one row: with what was measured last, in whatever order files come."""
    older = make_result({"sw": 0.1, "te": 0.2}, name="before")
    newer = make_result({"sw": 0.9}, name="after")
    newer = newer.model_copy(
        update={"provenance": newer.provenance.model_copy(update={"written": "2026-02-01T00:00:00+00:00"})}
    )
    for files in ([older, newer], [newer, older]):
        (table,) = build(files)
        (row,) = table.rows
        assert (row.label, row.cells["sw"], row.cells["te"]) == ("after", 0.9, 0.2)

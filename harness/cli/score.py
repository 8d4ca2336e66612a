"""`harness score`: anyone's run file → the scores of a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import common

#: Ids that a warning shows.
_SHOWN = 3


@click.command(short_help="Score a TREC run or a list of predictions, from any system.")
@click.option(
    "--run",
    "-r",
    required=True,
    type=click.Path(path_type=Path),
    envvar="HARNESS_RUN",
    metavar="FILE",
    help="TREC run (qid Q0 docid rank score tag) or, for tasks scored by answers, JSON list of predicted texts.",
)
@click.option(
    "--task",
    "-t",
    required=True,
    envvar="HARNESS_TASK",
    metavar="TASK/SUBSET",
    help="What the file is a run of: mr-tydi/sw, miracl/yo, xor-tydi.",
)
@click.option("--split", envvar="HARNESS_SPLIT", help="Split it is a run of; by default the task's own.")
@click.option(
    "--qrels",
    type=click.Path(path_type=Path),
    envvar="HARNESS_QRELS",
    metavar="FILE",
    help="Judgements as a TREC file, instead of those of --source.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    envvar="HARNESS_ANSWERS",
    metavar="FILE",
    help="Answers as JSONL with id, answers and lang, instead of those of --source.",
)
@click.option(
    "--source",
    "-s",
    envvar="HARNESS_SOURCE",
    metavar="pocket|hub|FOLDER",
    help="Where judgements, answers and passages come from, and which tasks there are.",
)
@click.option("--per-query", is_flag=True, envvar="HARNESS_PER_QUERY", help="The score of every query, too.")
@click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout, nothing else.")
def score(
    run: Path,
    task: str,
    split: str | None,
    qrels: Path | None,
    answers: Path | None,
    source: str | None,
    per_query: bool,
    as_json: bool,
) -> None:
    """Score anyone's run file by a task's measures; no encoder is loaded.

    The rules are trec_eval's with -c -M 100: ties go to the greater passage id, the rank column is ignored, the first
    100 passages count, and a judged query that the file lacks scores 0. Exit codes: 0 ok, 4 wrong usage or data, 5
    nothing selected.
    """
    from harness.rescore import rescore
    from harness.sources import open_source

    opened = open_source(source, corpora_too=False) if source is not None else None
    found = rescore(run, task=task, split=split, qrels=qrels, answers=answers, source=opened)
    _warn(found)
    if as_json:
        common.print_json(
            {
                "file": run.name,
                "sha256": found.sha256,
                "measures": found.measures,
                "results": [_facts(row, per_query) for row in found.subsets],
                "averages": found.averages(),
            }
        )
        return
    _print_means(found)
    if per_query:
        _print_queries(found)


def _facts(row: Any, per_query: bool) -> dict[str, Any]:
    facts = {
        "task": row.selected.task.name,
        "subset": row.selected.subset.name,
        "split": row.selected.split,
        "metrics": row.scores.metrics,
        "counts": row.counts(),
    }
    return {**facts, "per_query": row.scores.per_query} if per_query else facts


def _print_means(found: Any) -> None:
    table = common.table("subset", "split", *found.measures, "queries", right=(*found.measures, "queries"))
    for row in found.subsets:
        means = _cells(row.scores.metrics, found.measures)
        table.add_row(row.selected.label, row.selected.split, *means, f"{row.scored:,}")
    for title, means in found.averages().items():
        table.add_row(title, "", *_cells(means, found.measures), "")
    common.stdout().print(table)


def _print_queries(found: Any) -> None:
    table = common.table("subset", "query", *found.measures, right=found.measures)
    for row in found.subsets:
        queries = dict.fromkeys(query for values in row.scores.per_query.values() for query in values)
        for query in queries:
            values = {name: values[query] for name, values in row.scores.per_query.items() if query in values}
            table.add_row(row.selected.label, query, *_cells(values, found.measures))
    common.stdout().print(table)


def _cells(values: dict[str, float], measures: tuple[str, ...]) -> list[str]:
    """Fractions with four decimals, as trec_eval prints them."""
    return [f"{values[name]:.4f}" if name in values else "–" for name in measures]


def _warn(found: Any) -> None:
    """One line on stderr for each way in which the file and the task's queries differ."""
    for row in found.subsets:
        label = row.selected.label
        _say(f"{label}: queries that the run lacks, which score 0", row.missing, f" of {row.scored}")
        _say(f"{label}: queries of the run that do not count", row.extra, f" of {row.retrieved}")
    _say("languages of predictions that do not count", found.other_languages)
    _say("languages without predictions or answers, so without score and average", found.absent)


def _say(what: str, names: tuple[str, ...], of: str = "") -> None:
    if names:
        more = ", …" if len(names) > _SHOWN else ""
        click.echo(f"harness: warning: {what}: {len(names)}{of} ({', '.join(names[:_SHOWN])}{more})", err=True)

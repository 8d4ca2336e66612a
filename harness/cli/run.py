"""`harness run`: encoders × subsets → result files and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import common

if TYPE_CHECKING:
    from harness.tasks.selection import Selection


class Expression(click.types.StringParamType):
    """The name of an encoder, or a fusion, which may hold spaces where it has brackets around them."""

    name = "expression"

    def split_envvar_value(self, rv: str) -> list[str]:
        """The value of a variable, cut at white space outside of brackets."""
        depth, words = 0, [""]
        for character in rv:
            depth += (character == "(") - (character == ")")
            if character.isspace() and depth <= 0:
                words.append("")
            else:
                words[-1] += character
        return [word for word in words if word]


@click.command(short_help="Run encoders zero-shot and write their results.")
@click.option(
    "--encoder",
    "-e",
    "encoders",
    type=Expression(),
    multiple=True,
    required=True,
    envvar="HARNESS_ENCODER",
    metavar="NAME",
    help="Encoder to run; repeat for several. `harness encoders` lists them. Fusions are written 'rrf(bm25, lamir)', "
    "with rrf, minmax or mrtydi.",
)
@click.option(
    "--option",
    "-o",
    "options",
    multiple=True,
    envvar="HARNESS_OPTION",
    metavar="KEY=VALUE",
    help="Option of the encoder; NAME.KEY=VALUE where several run, and for parts of fusions and for rerankers.",
)
@click.option(
    "--rerank",
    envvar="HARNESS_RERANK",
    metavar="NAME",
    help="Reranker that reorders the first --depth passages of every query, for each --encoder.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1, max=100),
    envvar="HARNESS_DEPTH",
    metavar="N",
    help="Passages of each query that --rerank reorders; the others follow in their order. Default: 100.",
)
@click.option(
    "--tasks",
    "-t",
    multiple=True,
    envvar="HARNESS_TASKS",
    metavar="PATTERN",
    help="Task, family, task/subset or glob: miracl, 'xor-*', miracl/sw. Repeatable, or separated by commas. All by "
    "default, except from the hub.",
)
@click.option(
    "--languages",
    "-l",
    multiple=True,
    default=("*",),
    envvar="HARNESS_LANGUAGES",
    metavar="PATTERN",
    help="Query language, subset name or glob. Repeatable, or separated by commas.",
)
@click.option(
    "--source",
    "-s",
    default="pocket",
    envvar="HARNESS_SOURCE",
    show_default=True,
    metavar="pocket|hub|FOLDER",
    help="Where text comes from: the embedded collection, the Hugging Face hub, or a folder with the official files "
    "of benchmarks or in BEIR layout.",
)
@click.option(
    "--corpus-from",
    envvar="HARNESS_CORPUS_FROM",
    metavar="SUBSET",
    help="Search the passages of this subset with the queries of every subset (folders).",
)
@click.option(
    "--passage-template",
    envvar="HARNESS_PASSAGE_TEMPLATE",
    metavar="TEMPLATE",
    help="How title and text become a passage (folders). Default: '{text}'.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    envvar="HARNESS_SAMPLE",
    metavar="N",
    help="Search all judged passages and N others instead of the full corpus. Kept apart as a variant of its own.",
)
@click.option(
    "--sample-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    envvar="HARNESS_SAMPLE_SEED",
    metavar="S",
    help="Which N others --sample takes.",
)
@click.option("--split", envvar="HARNESS_SPLIT", help="Split to run; by default each task's own.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    envvar="HARNESS_LIMIT",
    metavar="N",
    help="First N queries of each subset only. The result is marked partial and boards refuse it.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    envvar="HARNESS_OUTPUT",
    help="Folder for result files.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="HARNESS_CACHE",
    help="Folder for embeddings. Default: the user's cache folder.",
)
@click.option(
    "--overwrite",
    type=click.Choice(["only-missing", "always", "never"]),
    default="only-missing",
    show_default=True,
    envvar="HARNESS_OVERWRITE",
    help="only-missing scores what has no up-to-date result, always everything, never nothing.",
)
@click.option(
    "--save-runs",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="HARNESS_SAVE_RUNS",
    help="Folder for rankings as TREC run files, and as prediction JSON where a task is scored by answers.",
)
@click.option("--fail-fast", is_flag=True, envvar="HARNESS_FAIL_FAST", help="Stop at the first subset that fails.")
@click.option(
    "--dry-run", is_flag=True, envvar="HARNESS_DRY_RUN", help="Print the plan, with what is there already, and stop."
)
@click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout, nothing else.")
@click.pass_context
def run(
    ctx: click.Context,
    encoders: tuple[str, ...],
    options: tuple[str, ...],
    rerank: str | None,
    depth: int | None,
    tasks: tuple[str, ...],
    languages: tuple[str, ...],
    source: str,
    corpus_from: str | None,
    passage_template: str | None,
    sample: int | None,
    sample_seed: int,
    split: str | None,
    limit: int | None,
    output: Path,
    cache: Path | None,
    overwrite: str,
    save_runs: Path | None,
    fail_fast: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run encoders zero-shot through the selected subsets.

    Results are files below --output; running again continues where the last run stopped. Exit codes: 0 ok, 1 some
    subsets failed, 2 interrupted, 4 wrong usage or data, 5 nothing selected.
    """
    from harness import api
    from harness.cli.progress import ReadingProgress, TerminalReporter
    from harness.engine.plan import DEPTH, Overwrite
    from harness.errors import ExitCode, UsageError
    from harness.plugins.loading import parse_assignments
    from harness.sources import open_source
    from harness.tasks.selection import Selection

    registry = common.registry(ctx)
    selection = Selection(common.listed(tasks), common.listed(languages), split, limit)
    if source == "hub":
        _check_hub(selection, cache, named=bool(tasks), dry_run=dry_run)
    opened = open_source(
        source,
        corpus_from=corpus_from,
        passage_template=passage_template,
        sample=sample,
        sample_seed=sample_seed,
        cache=cache,
        progress=ReadingProgress(common.stderr()),
    )
    settings = api.Settings(output, cache, Overwrite(overwrite), fail_fast, save_runs)
    if depth is not None and rerank is None:
        raise UsageError("--depth says how many passages a reranker reorders, and there is none", "Add --rerank NAME.")
    second = api.Rerank(rerank, depth or DEPTH) if rerank is not None else None
    per_encoder = api.share_options(parse_assignments(options), encoders, rerank)
    for name in encoders:
        api.check_options(name, per_encoder[name], rerank=second, source=opened, select=selection, registry=registry)
    evaluations = []
    plans = []
    with common.data_only():
        for name in encoders:
            plan = api.plan(
                name,
                options=per_encoder[name],
                rerank=second,
                source=opened,
                select=selection,
                settings=settings,
                registry=registry,
            )
            plans.append(plan)
            if len(plans) == 1:
                for notice in plan.notices:
                    click.echo(f"harness: note: {notice}", err=True)
            for forecast in plan.forecasts:
                click.echo(f"harness: note: {plan.loaded.card.name}: {forecast}", err=True)
            if not dry_run:
                evaluations.append(
                    api.evaluate(plan, reporter=TerminalReporter(common.stderr(), plan.loaded.card.name))
                )
                if fail_fast and evaluations[-1].failed:
                    break
    if dry_run:
        _print_plans(plans, as_json)
        return ExitCode.OK
    if as_json:
        common.print_json({"results": [row for evaluation in evaluations for row in evaluation.rows()]})
    else:
        _print_tables(evaluations, partial=limit is not None)
    return ExitCode.SOME_FAILED if any(evaluation.failed for evaluation in evaluations) else ExitCode.OK


def _check_hub(selection: Selection, cache: Path | None, *, named: bool, dry_run: bool) -> None:
    """Raise UsageError before hundreds of gigabytes are fetched that nobody meant, or anything is for a dry run."""
    from harness.errors import UsageError
    from harness.sources import open_official
    from harness.sources.inventory import inventory
    from harness.tasks.selection import select

    if not named:
        raise UsageError(
            "--source hub fetches what it runs, and everything is hundreds of gigabytes: say what with --tasks",
            "`harness data` lists the benchmarks; --tasks '*' is all of them.",
        )
    if dry_run:
        hub = open_official("hub", cache=cache)
        missing = [
            item.label
            for item in select(hub.tasks(), selection)
            if not all(part.found for part in inventory(hub, [item]))
        ]
        if missing:
            raise UsageError(
                f"a dry run fetches nothing, and {len(missing)} subset(s) are not here: {', '.join(missing[:5])}"
                + (", …" if len(missing) > 5 else ""),
                f"Get them: harness data fetch {' '.join(selection.tasks)}",
            )


def _print_plans(plans: list[Any], as_json: bool) -> None:
    rows = [
        {
            "encoder": plan.loaded.card.name,
            "task": planned.job.selected.task.name,
            "subset": planned.job.selected.subset.name,
            "split": planned.job.selected.split,
            "queries": len(planned.job.collection.queries),
            "passages": len(planned.job.collection.corpus),
            "scored": planned.done is not None,
            "to_encode": planned.to_encode,
        }
        for plan in plans
        for planned in plan.jobs
    ]
    if as_json:
        common.print_json({"plan": rows})
        return
    columns = ("encoder", "subset", "split", "queries", "passages", "result", "texts to encode")
    table = common.table(*columns, right=("queries", "passages", "texts to encode"))
    for row in rows:
        table.add_row(
            row["encoder"],
            f"{row['task']}/{row['subset']}",
            row["split"],
            f"{row['queries']:,}",
            f"{row['passages']:,}",
            "there" if row["scored"] else "to do",
            f"{row['to_encode']:,}",
        )
    console = common.stdout()
    console.print(table)
    for plan in plans:
        waiting = sum(planned.done is None for planned in plan.jobs)
        console.print(
            f"{plan.loaded.card.name}: {waiting} of {len(plan.jobs)} subsets to score, "
            f"{plan.to_encode:,} texts to encode; nothing was run.",
            highlight=False,
        )


def _print_tables(evaluations: list[Any], *, partial: bool) -> None:
    from harness.report import tables, terminal
    from harness.results.store import load

    console = common.stdout()
    paths = list(dict.fromkeys(path for evaluation in evaluations for path in evaluation.paths))
    for table in tables.build([load(path) for path in paths], partial=partial):
        terminal.show(table, console)
        console.print()
    for evaluation in evaluations:
        reused = sum(outcome.reused for outcome in evaluation.outcomes)
        if reused and reused == len(evaluation.outcomes):
            console.print(
                f"{evaluation.encoder.name}: nothing to compute, all {reused} results were there already.",
                highlight=False,
            )
        elif reused:
            console.print(
                f"{evaluation.encoder.name}: {reused} of {len(evaluation.outcomes)} results were there already.",
                highlight=False,
            )
    if partial:
        console.print("Partial: --limit was given; boards refuse these results.")
    if paths:
        console.print("Results:", highlight=False)
        for path in paths:
            console.print(f"  {path}", highlight=False, soft_wrap=True)

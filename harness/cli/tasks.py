"""`harness tasks`: what is measured."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import common


@click.command(short_help="List tasks, subsets, metrics, licences and citations.")
@click.argument("patterns", nargs=-1)
@click.option("--languages", "-l", multiple=True, default=("*",), help="Query language, subset name or glob.")
@click.option("--source", "-s", help="Only what this source has text for: pocket, hub, or a folder.")
@click.option("--markdown", is_flag=True, help="The page of all tasks, as docs/tasks.md has it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def tasks(
    patterns: tuple[str, ...], languages: tuple[str, ...], source: str | None, markdown: bool, as_json: bool
) -> None:
    """List every declared task; with PATTERNS (names, families, globs, task/subset), show those in full."""
    from harness.api import list_tasks
    from harness.sources import open_source
    from harness.tasks.selection import Selection, select

    known = list_tasks() if source is None else open_source(source).tasks()
    selected = select(known, Selection(patterns or ("*",), languages))
    chosen = {item.task.name: item.task for item in selected}
    subsets = {name: [item for item in selected if item.task.name == name] for name in chosen}
    if markdown and as_json:
        raise click.UsageError("--markdown and --json are two forms of the same: choose one")
    if markdown:
        from harness.sources.catalogue import page

        click.echo(page(list(chosen.values())), nl=False)
        return
    if as_json:
        common.print_json({"tasks": [_facts(task, subsets[name]) for name, task in chosen.items()]})
        return
    if patterns:
        for name, task in chosen.items():
            _describe(task, subsets[name])
        return
    table = common.table("task", "family", "subsets", "splits", "metrics", "summary", right=("subsets",))
    for name, task in chosen.items():
        table.add_row(
            name, task.family, str(len(subsets[name])), ", ".join(task.splits), ", ".join(task.metrics), task.summary
        )
    common.stdout().print(table)


def _facts(task: Any, selected: list[Any]) -> dict[str, Any]:
    return {
        "name": task.name,
        "title": task.title,
        "family": task.family,
        "splits": task.splits,
        "split": task.split,
        "metrics": task.metrics,
        "passage_template": task.passage_template,
        "lowercase": task.lowercase,
        "licence": task.licence,
        "url": task.url,
        "citation": task.citation,
        "summary": task.summary,
        "subsets": [
            {
                "name": item.subset.name,
                "query_language": item.subset.query_language,
                "passage_language": item.subset.passage_language,
                "split": item.split,
                "queries": task.queries.get((item.subset.name, item.split)),
                "passages": task.passages.get(item.subset.name),
            }
            for item in selected
        ],
    }


def _describe(task: Any, selected: list[Any]) -> None:
    click.echo(f"{task.name}: {task.title}\n  {task.summary}")
    click.echo(f"  family    {task.family}\n  splits    {', '.join(task.splits)} (run on {task.split})")
    click.echo(f"  metrics   {', '.join(task.metrics)}")
    for average in task.averages:
        click.echo(f"  {average.title:<9} over {len(average.subsets)} subsets")
    click.echo(f"  licence   {task.licence}\n  cite      {task.citation}\n  url       {task.url}\n  subsets")
    for item in selected:
        queries = task.queries.get((item.subset.name, item.split))
        passages = task.passages.get(item.subset.name)
        counts = ", ".join(
            f"{count:,} {word}" for count, word in ((queries, "queries"), (passages, "passages")) if count
        )
        click.echo(
            f"    {item.label}  {item.subset.query_language} → {item.subset.passage_language}, {item.split}"
            + (f": {counts}" if counts else "")
        )

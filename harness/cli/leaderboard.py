"""`harness leaderboard`: boards from result files."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import common


@click.command(short_help="Render the boards from result files.")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboards/results"),
    show_default=True,
    envvar="HARNESS_RESULTS",
    help="Folder whose subfolders hold the results of one board each.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder for the pages.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a page differs from what it would be.")
@click.option("--json", "as_json", is_flag=True, help="The list of pages as JSON on stdout.")
def leaderboard(results: Path, output: Path, check: bool, as_json: bool) -> int:
    """Render one Markdown page for each board, from result files alone."""
    from harness.errors import ExitCode
    from harness.report import boards

    pages = boards.render(results)
    changed = boards.outdated(pages, output) if check else boards.write(pages, output)
    if as_json:
        common.print_json({"pages": [str(output / name) for name in pages], "changed": [str(path) for path in changed]})
    else:
        for name in pages:
            state = "differs" if check else "written"
            click.echo(f"{output / name}: {state if output / name in changed else 'up to date'}")
    return ExitCode.SOME_FAILED if check and changed else ExitCode.OK

"""`python -m harness_lamir.experiments`: `run` the experiments, or write their `page`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from harness.errors import ExitCode, HarnessError

_FOLDER = click.Path(file_okay=False, path_type=Path)

_plans = click.option(
    "--plans",
    type=_FOLDER,
    default=Path("plugins/lamir/experiments"),
    show_default=True,
    help="Folder of the YAML files.",
)
_results = click.option(
    "--results",
    type=_FOLDER,
    default=Path("leaderboards/lamir/results"),
    show_default=True,
    help="Folder of the result files.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Experiments on the losses of LAMIR."""


@cli.command()
@click.argument("names", nargs=-1, metavar="[EXPERIMENT]…")
@click.option("--data", type=_FOLDER, required=True, envvar="HARNESS_TEST_DATA", help="Folder the paths start from.")
@_plans
@_results
@click.option("--dry-run", is_flag=True, help="List the runs that have no result yet, and stop.")
def run(names: tuple[str, ...], data: Path, plans: Path, results: Path, dry_run: bool) -> None:
    """Train and measure every arm with every seed, all experiments by default; what is there is skipped."""
    from harness_lamir.experiments.plan import chosen, load_experiments, runs

    for experiment in chosen(load_experiments(plans), names):
        if dry_run:
            from harness_lamir.experiments.run import waiting

            for one in waiting(runs(experiment, plans), results):
                click.echo(one.label)
            continue
        from harness_lamir.experiments.run import carry_out

        carry_out(
            experiment,
            plans,
            data,
            results,
            say=lambda line: click.echo(f"{time.strftime('%H:%M:%S')} {line}", err=True),
        )


@cli.command()
@_plans
@_results
@click.option("--output", type=_FOLDER, default=Path("leaderboards/lamir"), show_default=True, help="Folder to write.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the page differs from what it would be.")
def page(plans: Path, results: Path, output: Path, check: bool) -> int:
    """Write the page and its figures, from plans and result files alone."""
    from harness_lamir.experiments.page import outdated, render, write

    rendered = render(plans, results)
    for left_out in rendered.stale:
        click.echo(f"left out, from an older plan: {left_out}", err=True)
    changed = outdated(rendered, output) if check else write(rendered, output)
    for path in changed:
        click.echo(f"{path}: {'differs' if check else 'written'}")
    return int(ExitCode.SOME_FAILED) if check and changed else 0


def main() -> None:
    """Run the command line."""
    try:
        code = cli.main(prog_name="python -m harness_lamir.experiments", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what was finished is kept, and the same command goes on from there", err=True)
        code = ExitCode.INTERRUPTED
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    sys.exit(int(code or 0))


if __name__ == "__main__":
    main()

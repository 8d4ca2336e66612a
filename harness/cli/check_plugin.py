"""`harness check-plugin`: does an encoder hold to its contract?"""

from __future__ import annotations

import click

from harness.cli import common


@click.command(short_help="Check an encoder against its contract.")
@click.argument("name")
@click.option("--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="Option of the encoder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def check_plugin(ctx: click.Context, name: str, options: tuple[str, ...], as_json: bool) -> int:
    """Run the conformance checks on encoder NAME; exit 1 if one fails."""
    from harness.errors import ExitCode
    from harness.plugins.loading import parse_assignments
    from harness.testing import Subject, run_checks

    subject = Subject(name, parse_assignments(options), common.registry(ctx))
    with common.data_only():
        outcomes = run_checks(subject)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if as_json:
        common.print_json(
            {
                "encoder": subject.entry.qualified_name,
                "checks": [{"id": o.check.id, "status": o.status, "reason": o.reason} for o in outcomes],
            }
        )
    else:
        for outcome in outcomes:
            click.echo(f"{outcome.status:<7} {outcome.check.id:<15} {outcome.check.why}")
            if outcome.status == "failed":
                click.echo(f"        {outcome.reason}\n        → {outcome.check.hint}")
        click.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return ExitCode.SOME_FAILED if failed else ExitCode.OK

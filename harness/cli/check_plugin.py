"""`harness check-plugin`: does an encoder hold to its contract?"""

from __future__ import annotations

import shlex
import traceback
from collections import Counter
from typing import TYPE_CHECKING

import click

from harness.cli import common

if TYPE_CHECKING:
    from harness.testing import Outcome, Subject

#: Statuses whose reason is printed.
_WITH_REASON = ("failed", "unexpected", "skipped", "expected")
#: As many checks may be skipped for one reason, each with its line.
_MANY = 4


@click.command(short_help="Check an encoder against its contract.")
@click.argument("name", required=False)
@click.option("--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="Option of the encoder.")
@click.option("--only", multiple=True, metavar="ID", help="Run this check alone; may be repeated.")
@click.option("--list", "listing", is_flag=True, help="List the checks with their reasons, and run none.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def check_plugin(
    ctx: click.Context,
    name: str | None,
    options: tuple[str, ...],
    only: tuple[str, ...],
    listing: bool,
    as_json: bool,
) -> int:
    """Run the conformance checks on NAME, an encoder, searcher or reranker.

    Exit 1 if a check fails, if one passes that is declared to fail, or if none could be run.
    """
    from harness.errors import ExitCode, UsageError
    from harness.plugins.loading import parse_assignments
    from harness.testing import Subject, checks_for, ok, report, run_checks

    if listing:
        _list(None if name is None else common.registry(ctx).encoder(name).spec.kind, as_json)
        return ExitCode.OK
    if name is None:
        raise UsageError("name what is to be checked", "`harness encoders` lists what is installed.")
    subject = Subject(name, parse_assignments(options), common.registry(ctx))
    checks = checks_for(subject.kind, only)
    with common.data_only():
        outcomes = run_checks(subject, checks)
    if as_json:
        common.print_json(report(subject, outcomes))
    else:
        _print(subject, outcomes, show_traceback=ctx.obj["traceback"])
    return ExitCode.OK if ok(outcomes) else ExitCode.SOME_FAILED


def _print(subject: Subject, outcomes: list[Outcome], *, show_traceback: bool) -> None:
    """A line for each check, with reason and hint where there is one, and the counts of all statuses.

    What many checks are skipped for is said once: after a model that cannot be loaded there is nothing else to say.
    """
    from harness.errors import HarnessError
    from harness.testing import counts, ok

    click.echo(f"{subject.kind} {subject.entry.qualified_name} {subject.entry.version}")
    reasons = Counter(outcome.reason for outcome in outcomes if outcome.status == "skipped")
    common_reasons = {reason: count for reason, count in reasons.items() if count > _MANY}
    for outcome in outcomes:
        if outcome.status == "skipped" and outcome.reason in common_reasons:
            continue
        click.echo(f"{outcome.status:<10} {outcome.check.id:<20} {outcome.check.why}")
        if outcome.status in _WITH_REASON:
            click.echo(f"           {outcome.reason}")
        if outcome.bad:
            hint = outcome.check.hint if outcome.status == "failed" else "Take it out of expected_failures."
            click.echo(f"           → {hint}")
        if show_traceback and outcome.error is not None:
            click.echo("".join(traceback.format_exception(outcome.error)), err=True)
    for reason, count in common_reasons.items():
        click.echo(f"{'skipped':<10} {count} checks: {reason}")
    click.echo(", ".join(f"{count} {status}" for status, count in counts(outcomes).items()))
    raised = [o for o in outcomes if o.bad and o.error and not isinstance(o.error, (AssertionError, HarnessError))]
    if raised and not show_traceback:  # hints are about what was checked, and not about what an encoder raises
        words = ["harness", "--traceback", "check-plugin", subject.name, "--only", raised[0].check.id]
        words += [word for name, value in subject.options.items() for word in ("-o", f"{name}={value}")]
        click.echo(f"To see where {type(raised[0].error).__name__} was raised: {shlex.join(words)}")
    if not ok(outcomes) and not any(outcome.bad for outcome in outcomes):
        click.echo("no check could be run, which is a failure")


def _list(kind: str | None, as_json: bool) -> None:
    """All checks, or those of one kind."""
    from harness.testing import CHECKS

    chosen = [check for check in CHECKS if kind is None or kind in check.kinds]
    if as_json:
        common.print_json({"checks": [{"id": c.id, "kinds": c.kinds, "why": c.why, "hint": c.hint} for c in chosen]})
        return
    table = common.table("check", "of", "why")
    for check in chosen:
        table.add_row(check.id, "all" if len(check.kinds) == 3 else ", ".join(check.kinds), check.why)
    common.stdout().print(table)

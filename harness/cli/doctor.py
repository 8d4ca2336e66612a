"""`harness doctor`: is this environment as it should be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import common

if TYPE_CHECKING:
    from harness.doctor import Finding


@click.command(short_help="Look at the environment, and say what is wrong with it.")
@click.option("--torch", is_flag=True, help="Import torch, in another process, and ask it for GPUs.")
@click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout.")
@click.pass_context
def doctor(ctx: click.Context, torch: bool, as_json: bool) -> int:
    """Look at the interpreter, packages, plugins, hardware, caches and settings; exit 1 if there is a problem.

    Nothing is fetched and nothing is changed. Values of keys and tokens are not shown.
    """
    from dataclasses import asdict

    from harness.doctor import examine, worst
    from harness.errors import ExitCode
    from harness.plugins.manager import default_registry

    third_party = not ctx.obj["no_plugins"]
    with common.data_only():
        findings = examine(default_registry(third_party=third_party), torch=torch)
    status = worst(findings)
    if as_json:
        common.print_json({"status": status, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
        if not third_party:
            click.echo("Plugins were left out, because --no-plugins was given.")
    return ExitCode.SOME_FAILED if status == "problem" else ExitCode.OK


def _print(findings: list[Finding]) -> None:
    """One paragraph for each group, with what to do below what is wrong, then a count."""
    import textwrap

    from rich.text import Text

    console = common.stdout()
    indent = 2 + max((len(finding.name) for finding in findings), default=0) + 2
    room = max(20, console.width - indent)
    marks = {"ok": " ", "warning": "!", "problem": "✗"}
    styles = {"ok": "", "warning": "yellow", "problem": "red"}
    group = None
    for finding in findings:
        if finding.group != group:
            console.print(Text(f"{finding.group}\n" if group is None else f"\n{finding.group}\n", "bold"), end="")
            group = finding.group
        lines = textwrap.wrap(finding.value, room, break_long_words=False, break_on_hyphens=False) or [""]
        if finding.hint is not None:
            lines += textwrap.wrap(f"→ {finding.hint}", room, break_long_words=False, break_on_hyphens=False)
        head = f"{marks[finding.status]} {finding.name}".ljust(indent)
        text = f"\n{' ' * indent}".join([head + lines[0], *lines[1:]])
        console.print(Text(text, styles[finding.status]), soft_wrap=True)
    counts = [(sum(finding.status == status for finding in findings), status) for status in ("problem", "warning")]
    said = ", ".join(f"{count} {status}{'' if count == 1 else 's'}" for count, status in counts if count)
    console.print(f"\n{said or 'Everything looks well.'}", highlight=False)

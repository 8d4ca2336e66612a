"""`harness plugins`: what was found, what failed, which names clash."""

from __future__ import annotations

import click

from harness.cli import common


@click.command(short_help="List plugins, and what went wrong with those that failed.")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show the traceback of every failure.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def plugins(ctx: click.Context, show_traceback: bool, as_json: bool) -> None:
    """List plugins, failures with their reason, and names that two distributions claim."""
    from harness.plugins.manager import default_registry

    registry = default_registry(third_party=not ctx.obj["no_plugins"])
    if as_json:
        common.print_json(
            {
                "plugins": [
                    {
                        "name": plugin.name,
                        "distribution": plugin.distribution,
                        "version": plugin.version,
                        "api": plugin.api,
                        "notice": plugin.notice,
                        "encoders": [spec.name for spec in plugin.encoders],
                        "trainers": [spec.name for spec in plugin.trainers],
                        "objectives": [spec.name for spec in plugin.objectives],
                    }
                    for plugin in registry.plugins
                ],
                "failures": [
                    {
                        "name": failure.name,
                        "distribution": failure.distribution,
                        "version": failure.version,
                        "stage": failure.stage,
                        "error": failure.error,
                        "traceback": failure.traceback,
                    }
                    for failure in registry.failures
                ],
                "conflicts": {
                    name: [entry.qualified_name for entry in group] for name, group in registry.conflicts().items()
                },
                "objective_conflicts": {
                    name: [entry.qualified_name for entry in group]
                    for name, group in registry.objective_conflicts().items()
                },
            }
        )
        return
    table = common.table("plugin", "distribution", "encoders", "trainers", "objectives", "status")
    for plugin in registry.plugins:
        table.add_row(
            plugin.name,
            f"{plugin.distribution} {plugin.version}",
            ", ".join(spec.name for spec in plugin.encoders),
            ", ".join(spec.name for spec in plugin.trainers),
            ", ".join(spec.name for spec in plugin.objectives),
            "ok" if plugin.notice is None else f"deprecated (API {plugin.api})",
        )
    for failure in registry.failures:
        table.add_row(
            failure.name, f"{failure.distribution} {failure.version}", "", "", "", f"failed ({failure.stage})"
        )
    common.stdout().print(table)
    for failure in registry.failures:
        click.echo(f"{failure.distribution}: {failure.name}: {failure.error}")
        if show_traceback and failure.traceback:
            click.echo(failure.traceback)
    for notice in registry.notices():
        click.echo(notice)
    for what, conflicts in (("encoder", registry.conflicts()), ("objective", registry.objective_conflicts())):
        for name, group in conflicts.items():
            owners = " and ".join(entry.distribution for entry in group)
            choices = " or ".join(entry.qualified_name for entry in group)
            click.echo(f"{what} {name!r} is declared by {owners}; ask for {choices}")

"""`harness train`: a verb for each trainer that a plugin declares."""

from __future__ import annotations

import click

from harness._util.names import did_you_mean
from harness.cli import common
from harness.errors import UsageError


class _Trainers(click.Group):
    """The trainers of the registry as commands, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all trainers."""
        return sorted(common.registry(ctx.find_root()).trainers())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command behind a trainer."""
        from harness.plugins.spec import import_reference

        trainers = common.registry(ctx.find_root()).trainers()
        if cmd_name not in trainers:
            hint = did_you_mean(cmd_name, trainers) or "No plugin that is installed offers one."
            raise click.UsageError(f"there is no trainer {cmd_name!r}. {hint}", ctx)
        try:
            command: click.Command = import_reference(trainers[cmd_name].command)
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())
            raise UsageError(
                f"trainer {cmd_name!r} could not be loaded: {type(error).__name__}: {text}",
                "Run again with --traceback to see where.",
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List trainers by their declared summaries, importing none."""
        with formatter.section("Trainers"):
            trainers = common.registry(ctx.find_root()).trainers()
            formatter.write_dl([(name, spec.summary) for name, spec in sorted(trainers.items())] or [("(none)", "")])


@click.group(cls=_Trainers, short_help="Train an encoder with a trainer that a plugin offers.")
def train() -> None:
    """Train an encoder with a trainer that a plugin offers."""

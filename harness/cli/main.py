"""The `harness` command: lazy verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from harness import __version__
from harness._util.names import did_you_mean
from harness.errors import ExitCode, HarnessError

#: Verb → module, attribute and help; the module is imported when the verb is used.
_VERBS = {
    "run": ("harness.cli.run:run", "Run encoders zero-shot and write their results."),
    "encoders": ("harness.cli.encoders:encoders", "List the encoders that are installed."),
    "plugins": ("harness.cli.plugins:plugins", "List plugins, and what went wrong with those that failed."),
    "check-plugin": ("harness.cli.check_plugin:check_plugin", "Check an encoder against its contract."),
    "new-plugin": ("harness.cli.new_plugin:new_plugin", "Write a plugin of your own to start from."),
    "tasks": ("harness.cli.tasks:tasks", "List tasks, subsets, metrics, licences and citations."),
    "data": ("harness.cli.data:data", "List, fetch and verify the files of the benchmarks."),
    "train": ("harness.cli.train:train", "Train an encoder with a trainer that a plugin offers."),
    "score": ("harness.cli.score:score", "Score a TREC run or a list of predictions, from any system."),
    "leaderboard": ("harness.cli.leaderboard:leaderboard", "Render the boards from result files."),
    "doctor": ("harness.cli.doctor:doctor", "Look at the environment, and say what is wrong with it."),
}


class _ReaderGone(Exception):
    """What read our output, such as `head`, has gone."""


class LazyGroup(click.Group):
    """A group whose verbs are imported on use, so that help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of `_VERBS`."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the verb; None where there is none."""
        if cmd_name not in _VERBS:
            return None
        module, _, attribute = _VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a misspelt verb."""
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no verb {args[0]!r}. {did_you_mean(args[0], _VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. A closed pipe leaves as `_ReaderGone`, because click would end the process with code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with the help written above: importing each one to ask it would cost seconds."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="harness")
@click.option("--no-plugins", is_flag=True, envvar="HARNESS_NO_PLUGINS", help="Load the core's own encoders only.")
@click.option(
    "--traceback", "show_traceback", is_flag=True, envvar="HARNESS_TRACEBACK", help="Show where an error came from."
)
@click.pass_context
def cli(ctx: click.Context, no_plugins: bool, show_traceback: bool) -> None:
    """Zero-shot evaluation of multilingual retrieval encoders.

    \b
    harness run --encoder lamir                        the embedded pocket collection
    harness run --encoder lamir --source hub --tasks miracl/sw    a published benchmark
    harness run --encoder lamir --source FOLDER        its official files, or your data in BEIR layout
    """  # noqa: D301  click wants the character, not the letters
    ctx.obj = {"no_plugins": no_plugins, "traceback": show_traceback}


def main(args: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see `harness.errors.ExitCode`)."""
    arguments = sys.argv[1:] if args is None else args
    show = "--traceback" in arguments or bool(os.environ.get("HARNESS_TRACEBACK"))
    try:
        code = cli.main(arguments, prog_name="harness", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        usage = f"{context.get_usage()}\n" if context else ""
        _complain(usage + error.format_message())
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; what was finished is kept, and the same command goes on from there")
        return ExitCode.INTERRUPTED
    except _ReaderGone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except HarnessError as error:
        if show:
            traceback.print_exc()
        _complain(str(error))
        return error.exit_code
    except OSError as error:
        if show:
            traceback.print_exc()
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
        return ExitCode.USAGE
    except SystemExit as error:  # an encoder that exits, or a signal's handler: 0 would say that everything was done
        if show:
            traceback.print_exc()
        _complain(f"ended by SystemExit({error.code!r}); what was finished is kept, and the same command goes on")
        return ExitCode.INTERRUPTED
    except Exception:
        traceback.print_exc()
        _complain("this is a defect of the harness; please report it with the lines above")
        return ExitCode.INTERNAL
    return code if isinstance(code, int) else ExitCode.OK


def _complain(message: str) -> None:
    click.echo(f"harness: error: {message}" if not message.startswith("Usage:") else message, err=True)


def _keep_stdout_for_data() -> None:
    """Give data a descriptor of its own; what native code or a child process writes to descriptor 1 goes to stderr.

    `redirect_stdout` reaches Python's own printing alone, and a C library may hold its text until the process ends.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  closed by whoever called us
    if sys.stdout.fileno() != 1 or sys.stderr is None:
        return
    sys.stdout.flush()
    own = os.dup(1)  # not inherited by children
    os.dup2(2, 1)
    sys.stdout = open(  # noqa: SIM115  it lives as long as the process
        own,
        "w",
        buffering=1 if sys.stdout.line_buffering else -1,
        encoding=sys.stdout.encoding,
        errors=sys.stdout.errors,
    )


def entry_point() -> None:
    """What the installed scripts call."""
    _keep_stdout_for_data()
    sys.exit(main())

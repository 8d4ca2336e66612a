"""`harness train lamir`: parse, call the trainer, show how it goes.

Progress goes to standard error; standard output gets one line, the folder that was written.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness._util.names import did_you_mean
from harness.errors import ExitCode, HarnessError, UsageError
from harness_lamir.recipe import Recipe, load_recipe, shipped_recipes
from harness_lamir.training.overrides import Change, changed, parse_change, parse_number

if TYPE_CHECKING:
    from harness_lamir.data.loading import Streams
    from harness_lamir.objectives.resolving import Resolved
    from harness_lamir.training.reporting import Outcome

__all__ = ["main", "train"]

#: What overrides the recipe, in the order in which the model card repeats it.
_FLAGS = {
    "seed": "--seed",
    "steps": "--steps",
    "batch_size": "--batch-size",
    "weight": "--weight",
    "learning_rate": "--learning-rate",
    "backbone": "--backbone",
    "precision": "--precision",
    "chunk": "--chunk",
    "device": "--device",
    "set": "--set",
    "forbid": "--forbid",
}
#: An absolute path in a value that is YAML: `{model: /home/somebody/xlmr}`.
_PATH = re.compile(r"(?<![^\s\[{,'\"])~?/[^\s,\]}'\"]+")


@click.command("lamir", context_settings={"auto_envvar_prefix": "HARNESS_TRAIN"})
@click.option(
    "--config",
    required=True,
    metavar="RECIPE",
    help="A recipe: a YAML file, or the name of a shipped one (pocket, tiny, xlmr-nq).",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar=["HARNESS_TRAIN_DATA", "HARNESS_TEST_DATA"],
    help="Folder that the recipe's paths start from. [default: the recipe's own folder]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write. [default: the recipe's name, in the current folder]",
)
@click.option("--seed", type=click.IntRange(min=0), help="Replaces the recipe's seed.")
@click.option("--steps", type=click.IntRange(min=1), help="Replaces the recipe's steps.")
@click.option("--batch-size", multiple=True, metavar="STREAM=N", help="Rows of a stream at every step.")
@click.option("--weight", multiple=True, metavar="OBJECTIVE=W", help="Weight of an objective; 0 is off.")
@click.option("--learning-rate", type=float, metavar="RATE", help="The highest learning rate.")
@click.option("--backbone", metavar="PATH", help="Train this transformer: a folder, or a hub id pinned by the recipe.")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="What encoders compute in.")
@click.option("--chunk", type=click.IntRange(min=1), metavar="N", help="Gradient caching: texts encoded at a time.")
@click.option("--device", help="auto, cpu, cuda, cuda:1 or mps.")
@click.option(
    "--set",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Any other setting of the recipe; the value is YAML. Repeatable.",
)
@click.option(
    "--forbid",
    multiple=True,
    metavar="FOLDER",
    help="One more folder of evaluation data, below the data folder, to keep out; repeatable.",
)
@click.option("--overwrite", is_flag=True, help="Replace an output folder that is not empty.")
@click.option("--restart", is_flag=True, help="Start over, rather than go on with an unfinished run.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's event files too.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, say what would be trained on, and stop.")
@click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout, nothing else.")
def train(
    config: str,
    data: Path | None,
    output: Path | None,
    overwrite: bool,
    restart: bool,
    tensorboard: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train a multilingual encoder: a recipe's backbone with its objectives on its text.

    Running the same command again goes on with a run that was interrupted. On several devices:
    `accelerate launch -m harness_lamir.cli` with the same options. Each option can be given as a variable
    HARNESS_TRAIN_…, as in HARNESS_TRAIN_BATCH_SIZE. Exit codes: 0 ok, 2 interrupted, 3 the training
    failed, 4 wrong usage or data.
    """
    path = _find(config)
    written = load_recipe(path)
    recipe = changed(written, _changes(written, flags), str(path))
    folder = output or Path(recipe.name)
    if data is None and path in shipped_recipes().values():
        raise UsageError(f"recipe {config}: a shipped recipe comes without data", "Name the folder with --data DIR.")
    where = data or path.parent

    # torch takes seconds to import; what is wrong with the recipe is said before
    from harness_lamir.objectives.resolving import resolve

    resolved = resolve(recipe)
    if dry_run:
        _dry_run(recipe, resolved, where, as_json)
        return ExitCode.OK

    from harness.cli import common
    from harness_lamir.training.distributed import launched_rank
    from harness_lamir.training.showing import Display
    from harness_lamir.training.trainer import train as start

    command = _command(config, path, recipe, flags)
    with common.data_only(), Display(common.stderr(), recipe) as display:
        outcome = start(
            recipe,
            where,
            folder,
            command=command,
            overwrite=overwrite,
            restart=restart,
            tensorboard=tensorboard,
            reporter=display.reporter(),
        )
        if outcome.progress.step < recipe.steps:
            display.say(
                f"stopped early, after {outcome.progress.step:,} of {recipe.steps:,} steps: scores rose no more"
            )
        if outcome.heldout is not None:
            display.say(
                f"held-out translations found: {outcome.heldout.before:.3f} before, {outcome.heldout.after:.3f} after"
            )
    if launched_rank() == 0:
        click.echo(json.dumps(_summary(outcome), ensure_ascii=False, indent=1) if as_json else str(outcome.folder))
    return ExitCode.OK


def main() -> None:
    """Run the command by itself, as `accelerate launch -m harness_lamir.cli` does."""
    try:
        code = train.main(prog_name="harness train lamir", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("error: interrupted; the same command goes on from there", err=True)
        code = ExitCode.INTERRUPTED
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    sys.exit(int(code or 0))


def _find(config: str) -> Path:
    """Return the recipe a user means: a file if there is one, else a shipped recipe's name."""
    path = Path(config)
    return path if path.is_file() else shipped_recipes().get(config, path)


def _changes(recipe: Recipe, flags: dict[str, Any]) -> list[Change]:
    """Return the flags as changes of the recipe, in the order in which they are made."""
    simple = {
        "seed": "seed",
        "steps": "steps",
        "learning_rate": "optimizer.learning_rate",
        "precision": "runtime.precision",
        "chunk": "runtime.chunk",
        "device": "runtime.device",
    }
    changes: list[Change] = [(path, flags[flag]) for flag, path in simple.items() if flags.get(flag) is not None]
    for text in flags["batch_size"]:
        name, number = parse_number(text, "--batch-size", int)
        _check_name("--batch-size", text, name, recipe.streams)
        changes.append((f"streams.{name}.batch_size", number))
    for text in flags["weight"]:
        name, number = parse_number(text, "--weight", float)
        if not name.isdecimal():
            _check_name("--weight", text, name, [entry.use for entry in recipe.objectives])
        changes.append((f"objectives.{name}.weight", number))
    if flags["backbone"] is not None:
        if recipe.backbone.kind == "transformer":
            changes.append(("backbone.model", flags["backbone"]))
            if Path(flags["backbone"]).exists():
                changes.append(("backbone.revision", None))
        else:
            changes.append(("backbone", {"kind": "transformer", "model": flags["backbone"]}))
    if flags["forbid"]:
        changes.append(("forbidden", [*recipe.forbidden, *flags["forbid"]]))
    return changes + [parse_change(text) for text in flags["set"]]


def _check_name(flag: str, text: str, name: str, known: Iterable[str]) -> None:
    """Refuse a stream or objective that the recipe does not have, in the words that were typed."""
    names = list(known)
    if name not in names:
        what = "stream" if flag == "--batch-size" else "objective"
        raise UsageError(f"{flag} {text}: the recipe has no {what} {name!r}", did_you_mean(name, names))


def _command(config: str, path: Path, recipe: Recipe, flags: dict[str, Any]) -> str:
    """Return the command for the model card: what was typed, without this machine's folders."""
    shipped = shipped_recipes().get(path.stem)
    is_shipped = shipped is not None and path.read_bytes() == shipped.read_bytes()
    words = ["harness", "train", "lamir", "--config", path.stem if is_shipped else path.name]
    words += ["--data", "DATA", "--output", recipe.name]
    for flag in _FLAGS:
        value = flags[flag]
        for one in value if isinstance(value, tuple) else () if value is None else (value,):
            text = Path(one).name if flag == "backbone" and Path(one).exists() else _without_folders(str(one))
            words += [_FLAGS[flag], text]
    return shlex.join(words)


def _without_folders(text: str) -> str:
    """Return a flag's value, or `key=value`, with the last component alone of every absolute path in it."""
    key, equals, value = ("", "", text) if text.startswith(("/", "~")) else text.partition("=")
    if value.startswith(("/", "~")):
        return f"{key}{equals}{value.rstrip('/').rpartition('/')[2]}"
    return key + equals + _PATH.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], value)


def _summary(outcome: Outcome) -> dict[str, Any]:
    """Return a finished run as JSON."""
    progress, heldout = outcome.progress, outcome.heldout
    best = progress.best
    return {
        "output": str(outcome.folder),
        "steps": progress.step,
        "losses": progress.losses,
        "total": progress.total,
        "best": None if best is None else {"step": best.step, "mean": best.mean, "subsets": best.subsets},
        "heldout": None if heldout is None else {"before": heldout.before, "after": heldout.after},
    }


def _dry_run(recipe: Recipe, resolved: list[Resolved], data: Path, as_json: bool) -> None:
    """Read and check the data, what is evaluated on included, and say what would be trained on."""
    from harness.cli import common
    from harness.encoders.hardware import resolve_device
    from harness_lamir.data.loading import load_streams
    from harness_lamir.training.evaluating import Evaluator

    with common.data_only():
        resolve_device(recipe.runtime.device)
        common.stderr().print("reading the training text")
        streams = load_streams(recipe, data)
        if recipe.evaluation is not None:
            with Evaluator(recipe.evaluation, data, recipe.name) as evaluator:
                evaluator.check()
    if as_json:
        common.print_json(_plan(recipe, resolved, streams))
        return
    console = common.stdout()
    table = common.table(
        "stream", "kind", "source", "languages", "files", "rows", "left out", "duplicates", "licence",
        right=("files", "rows", "left out", "duplicates"),
    )  # fmt: skip
    for row in _sources(recipe, streams):
        table.add_row(
            row["stream"], row["kind"], row["source"], row["languages"], f"{row['files']:,}", f"{row['rows']:,}",
            f"{row['dropped']:,}", f"{row['duplicates']:,}", row["licence"],
        )  # fmt: skip
    console.print(table)
    table = common.table("objective", "weight", "streams", "options", right=("weight",))
    for one in resolved:
        batches = ", ".join(f"{slot}: {n} × {recipe.streams[n].batch_size}" for slot, n in one.streams.items())
        options = ", ".join(f"{key} {value}" for key, value in one.options.model_dump(exclude_none=True).items())
        table.add_row(one.entry.use, f"{one.entry.weight:g}", batches, options)
    console.print(table)
    console.print(
        f"{recipe.name}: {recipe.steps:,} steps of a {recipe.backbone.kind} backbone, seed {recipe.seed}; "
        "nothing was trained.",
        highlight=False,
    )


def _plan(recipe: Recipe, resolved: list[Resolved], streams: Streams) -> dict[str, Any]:
    """Return what would be trained on as JSON."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "objectives": [
            {
                "use": one.entry.use,
                "weight": one.entry.weight,
                "streams": dict(one.streams),
                "options": one.options.model_dump(mode="json"),
            }
            for one in resolved
        ],
        "streams": {
            name: {"kind": stream.kind, "batch_size": stream.batch_size, "rows": stream.rows,
                   "languages": dict(stream.languages)}
            for name, stream in streams.by_name.items()
        },
        "sources": _sources(recipe, streams),
    }  # fmt: skip


def _sources(recipe: Recipe, streams: Streams) -> list[dict[str, Any]]:
    """Return one row for each source of each stream."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for file in streams.files:
        row = rows.setdefault(
            (file.stream, file.source),
            {
                "stream": file.stream,
                "kind": recipe.streams[file.stream].kind,
                "source": file.source,
                "licence": file.licence,
                "languages": _abridged(list(streams.by_name[file.stream].languages)),
                "files": 0, "rows": 0, "dropped": 0, "duplicates": 0,
            },
        )  # fmt: skip
        row["files"] += 1
        for key in ("rows", "dropped", "duplicates"):
            row[key] += getattr(file, key)
    return list(rows.values())


def _abridged(languages: list[str]) -> str:
    """Return a few languages by name, or how many there are."""
    return " ".join(languages) if len(languages) <= 6 else f"{len(languages)} languages"


if __name__ == "__main__":
    main()

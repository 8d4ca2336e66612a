"""`harness train lamir`: parse, call the trainer, show how it goes.

Progress goes to standard error; standard output gets one line, the folder that was written.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.errors import HarnessError, UsageError
from harness_lamir.recipe import Recipe, load_recipe, shipped_recipes

__all__ = ["main", "train"]

_LINES = 20  # progress lines of a whole run where nobody watches a terminal


@click.command("lamir")
@click.option(
    "--config",
    required=True,
    metavar="RECIPE",
    help="A recipe: a YAML file, or the name of a shipped one (pocket).",
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
    envvar="HARNESS_TRAIN_OUTPUT",
    help="Folder to write. [default: the recipe's name, in the current folder]",
)
@click.option("--seed", type=click.IntRange(min=0), help="Replaces the recipe's seed.")
@click.option("--steps", type=click.IntRange(min=1), help="Replaces the recipe's steps.")
@click.option(
    "--forbid",
    multiple=True,
    metavar="FOLDER",
    help="One more folder of evaluation data, below the data folder, to keep out; repeatable.",
)
@click.option("--overwrite", is_flag=True, help="Replace an output folder that is not empty.")
def train(
    config: str,
    data: Path | None,
    output: Path | None,
    seed: int | None,
    steps: int | None,
    forbid: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Train a static multilingual encoder with the three losses of LAMIR."""
    path = _find(config)
    recipe = _override(load_recipe(path), path, seed=seed, steps=steps, forbid=forbid)
    folder = output or Path(recipe.name)
    command = _command(config, recipe, seed=seed, steps=steps, forbid=forbid)

    from harness_lamir import train as trainer  # torch takes seconds to import; errors need not

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("preparing", total=recipe.steps, rate="")
        every = max(1, recipe.steps // _LINES)

        def stage(name: str) -> None:
            """Announce a stage."""
            progress.update(task, description=name)
            if not console.is_terminal:
                console.print(name)

        def step(done: trainer.Step) -> None:
            """Show the losses of a step."""
            speed = progress.tasks[0].speed
            losses = f"ir {done.ir:.3f} sem {done.semantic:.3f} lang {done.language:.3f}"
            rate = f"{speed:.1f} steps/s" if speed else ""
            progress.update(task, completed=done.number, description=losses, rate=rate)
            if not console.is_terminal and (done.number % every == 0 or done.number == 1):
                left = progress.tasks[0].time_remaining
                eta = "" if left is None else f", {left:.0f} s left"
                console.print(f"step {done.number}/{recipe.steps}: {losses} {rate}{eta}")

        outcome = trainer.train(
            recipe,
            data or path.parent,
            folder,
            command=command,
            overwrite=overwrite,
            on_stage=stage,
            on_step=step,
        )
    if outcome.heldout is not None:
        console.print(
            f"held-out translations found: {outcome.heldout.before:.3f} before, {outcome.heldout.after:.3f} after"
        )
    click.echo(str(outcome.folder))


def main() -> None:
    """Run the command by itself: ``python -m harness_lamir.cli``, with the same arguments."""
    try:
        train.main(standalone_mode=True)
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(int(error.exit_code))


def _find(config: str) -> Path:
    """Return the recipe a user means: a file if there is one, else a shipped recipe's name."""
    path = Path(config)
    return path if path.exists() else shipped_recipes().get(config, path)


def _override(recipe: Recipe, path: Path, *, seed: int | None, steps: int | None, forbid: tuple[str, ...]) -> Recipe:
    """Return the recipe with the command line's values in it, checked again."""
    changes: dict[str, object] = {"forbidden": [*recipe.forbidden, *forbid]}
    changes |= {} if seed is None else {"seed": seed}
    changes |= {} if steps is None else {"steps": steps}
    try:
        return Recipe.model_validate(recipe.model_dump() | changes)
    except ValidationError as error:
        raise UsageError(f"recipe {path}: {error.errors()[0]['msg']}") from error


def _command(config: str, recipe: Recipe, *, seed: int | None, steps: int | None, forbid: tuple[str, ...]) -> str:
    """Return the command for the model card: what was typed, without this machine's folders."""
    path = Path(config)
    shipped = shipped_recipes().get(path.stem)
    is_shipped = shipped is not None and (not path.exists() or path.read_bytes() == shipped.read_bytes())
    words = ["harness", "train", "lamir", "--config", path.stem if is_shipped else path.name]
    words += ["--data", "DATA", "--output", recipe.name]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [] if steps is None else ["--steps", str(steps)]
    for folder in forbid:
        words += ["--forbid", folder]
    return shlex.join(words)


if __name__ == "__main__":
    main()

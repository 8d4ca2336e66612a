"""The folder of a run that is not finished: beside its output, because the output appears whole.

    .NAME.training/
        lock            held by the process that trains
        step-N/         the last state (see `state`)
        log.jsonl, tensorboard/
        evaluation/     what a run that evaluates keeps from one evaluation to the next

It outlives a run only where there is a state to go on from.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness_lamir.locking import claimed

__all__ = ["EVALUATION", "clear", "copy_logs", "held", "newest", "state_folder"]

EVALUATION = "evaluation"
_LOCK = "lock"


def state_folder(output: Path) -> Path:
    """Where the run that will write `output` keeps what it needs until then."""
    return output.parent / f".{output.name}.training"


def newest(folder: Path) -> Path | None:
    """The newest whole state in a folder, if there is one."""
    return max(folder.glob("step-*"), default=None)


def clear(folder: Path) -> None:
    """Remove the state and the logs of a run; what the process that trains has open stays."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name in (_LOCK, EVALUATION):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def copy_logs(folder: Path, target: Path) -> None:
    """Copy what a run has written down, and nothing of what it needs to go on."""
    shutil.copytree(
        folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("step-*", ".step-*", _LOCK, EVALUATION)
    )


@contextmanager
def held(output: Path) -> Iterator[Path]:
    """Keep the folder for this process alone; remove it afterwards, unless a state is in it.

    Raises:
        UsageError: another process trains into the same output.
        HarnessError: the folder cannot be made.
    """
    folder = state_folder(output)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ours = stack.enter_context(claimed(folder / _LOCK))
        except OSError as error:
            raise HarnessError(f"output {output}: cannot be written ({error})", hint="Is the disk full?") from error
        if not ours:
            raise UsageError(
                f"output {output}: another process is training into it",
                hint="Wait until it is done, or name another folder with --output DIR.",
            )
        try:
            yield folder
        finally:
            shutil.rmtree(folder / EVALUATION, ignore_errors=True)
            if newest(folder) is None:
                shutil.rmtree(folder, ignore_errors=True)
                for path in made:
                    with suppress(OSError):  # it is gone already, or something else is in it
                        path.rmdir()

"""What a run writes down while it trains: a line of JSON now and then, and TensorBoard's files where asked for.

    {"step": 10, "losses": {"ir": 2.1, "semantic": 3.4}, "total": 5.5, "learning_rate": 2e-05, "gradient_norm": 1.3,
     "texts_per_second": 812.0, "elapsed": 14.2}
    {"step": 500, "evaluation": {"xquad/sw": 0.41, "xquad/te": 0.33}, "mean": 0.37, "elapsed": 702.9}

Losses are unweighted, `elapsed` counts seconds of training over all the sessions of a run that was resumed.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import UsageError

__all__ = ["LOG_FILE", "Log", "check_tensorboard"]

LOG_FILE = "log.jsonl"
_BOARD_FOLDER = "tensorboard"


def check_tensorboard() -> None:
    """Raise UsageError where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise UsageError(
            "--tensorboard: the package tensorboard is not installed",
            hint="pip install 'harness-lamir[tensorboard]', or train without the flag: log.jsonl is always written.",
        )


class Log:
    """Appends to `log.jsonl`, and to TensorBoard's event files.

    Args:
        folder: where both are written; must exist.
        position: bytes of `log.jsonl` that are kept: what a run wrote after the state that it resumes from goes.
        step: the step that is resumed from; TensorBoard hides what it has beyond.
        tensorboard: whether to write event files.
    """

    def __init__(self, folder: Path, *, position: int = 0, step: int = 0, tensorboard: bool = False) -> None:
        self._stream = (folder / LOG_FILE).open("ab")
        self._stream.truncate(min(position, self._stream.tell()))
        self._stream.seek(0, os.SEEK_END)
        self._board: Any = None
        if tensorboard:
            check_tensorboard()
            from torch.utils.tensorboard import SummaryWriter

            make: Any = SummaryWriter  # untyped, where it is installed
            self._board = make(str(folder / _BOARD_FOLDER), purge_step=step + 1 if step else None)

    def step(self, number: int, losses: dict[str, float], **values: float) -> None:
        """Write the losses of a step, and whatever else is measured at it."""
        self._line({"step": number, "losses": losses, **values})
        self._scalars(number, {f"loss/{name}": value for name, value in losses.items()})
        self._scalars(number, {f"training/{name}": value for name, value in values.items() if name != "elapsed"})

    def evaluation(self, number: int, scores: dict[str, float], mean: float, elapsed: float) -> None:
        """Write the scores of an evaluation, by subset."""
        self._line({"step": number, "evaluation": scores, "mean": mean, "elapsed": elapsed})
        self._scalars(number, {f"evaluation/{name}": value for name, value in scores.items()})
        self._scalars(number, {"evaluation/mean": mean})

    def settle(self) -> int:
        """Bring everything to the disk; return how long `log.jsonl` is, in bytes."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        if self._board is not None:
            self._board.flush()
        return self._stream.tell()

    def close(self) -> None:
        """Close the files."""
        self._stream.close()
        if self._board is not None:
            self._board.close()

    def _line(self, content: dict[str, Any]) -> None:
        self._stream.write(json.dumps(content, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()

    def _scalars(self, number: int, values: dict[str, float]) -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, number)

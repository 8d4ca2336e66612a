"""Errors that a person reads: what was wrong, where, and what to do about it.

Every error that the harness raises on purpose derives from `HarnessError` and carries the exit code that the command
line ends with. Anything else that escapes is a defect of ours and exits with `ExitCode.INTERNAL`.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `harness` command."""

    OK = 0
    SOME_FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING_SELECTED = 5


class HarnessError(Exception):
    """Base of every deliberate error.

    `message` says what was wrong and where; `hint`, where there is one, says what to do.
    """

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(HarnessError):
    """A name, option or combination that cannot work; nothing was started."""

    exit_code = ExitCode.USAGE


class DataError(UsageError):
    """Input data that is malformed; refused before any encoding starts."""


class NothingSelectedError(UsageError):
    """The selection is valid and matches nothing."""

    exit_code = ExitCode.NOTHING_SELECTED


class EncoderContractError(HarnessError):
    """An encoder returned something that its contract does not allow (shape, dtype, NaN)."""

    exit_code = ExitCode.SOME_FAILED

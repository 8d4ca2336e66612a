"""What an error says in a result: its message, or its type and the innermost place."""

from __future__ import annotations

import traceback

from harness.errors import HarnessError


def reason(error: BaseException) -> str:
    """One or more lines that can be written to a file; the message alone of an error that was raised on purpose."""
    if isinstance(error, HarnessError):
        text = str(error)
    else:
        text = "".join(traceback.format_exception_only(error)).strip() + _where(error)
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate could not be written


def _where(error: BaseException) -> str:
    """The innermost frame, as ` (in function, file.py:line)`, without the folder of anybody's machine."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = frames[-1]
    return f" (in {last.name}, {last.filename.replace(chr(92), '/').rpartition('/')[2]}:{last.lineno})"

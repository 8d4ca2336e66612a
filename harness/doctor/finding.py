"""One thing that the doctor looked at, and what it thinks of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: `problem`: something will not work, or works by accident. `warning`: it works, and may surprise.
Status = Literal["ok", "warning", "problem"]

_ORDER: tuple[Status, ...] = ("ok", "warning", "problem")


@dataclass(frozen=True)
class Finding:
    """One fact. `group` and `name` say what was looked at, `value` what was found, in words.

    `hint` says what to do, where there is something. `data` holds the same for machines: numbers in bytes, lists as
    lists.
    """

    group: str
    name: str
    value: str
    status: Status = "ok"
    hint: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def worst(findings: Iterable[Finding]) -> Status:
    """The worst status among `findings`; `ok` where there are none."""
    return max((finding.status for finding in findings), key=_ORDER.index, default="ok")


def size(count: int) -> str:
    """A number of bytes as people read them, in decimal units."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"

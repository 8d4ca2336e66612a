"""Names that people type: suggestions for misspelt ones, globs over known ones, safe file names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def did_you_mean(name: str, known: Iterable[str], *, few: int = 24) -> str | None:
    """A sentence that suggests the nearest known names, or lists them all where there are no more than `few`."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(repr(c) for c in close) + "?"
    if 0 < len(names) <= few:
        return "Known: " + ", ".join(names) + "."
    return None


def matches_any(value: str, patterns: Sequence[str]) -> bool:
    """True when `value` matches one of the shell-style `patterns`, case-sensitively."""
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def file_slug(text: str) -> str:
    """A name from a person or a plugin, made safe as one path component.

    Runs of other characters become `-`; leading dots go, so the result is never hidden, `.` or `..`. The result may
    be shared by two inputs, so whoever needs uniqueness adds a fingerprint.
    """
    return _UNSAFE.sub("-", text).strip("-.") or "unnamed"

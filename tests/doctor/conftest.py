"""Distributions made of nothing but their description."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

Make = Callable[..., PathDistribution]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that writes a .dist-info folder and gives its distribution.

    `place` is the folder it is in, below the test's own; None for a file is "leave it out".
    """

    def write(
        name: str,
        version: str = "1.0",
        *,
        place: str = "site",
        metadata: str | None = "",
        entry_points: str | None = None,
        record: str | None = None,
        top_level: str | None = None,
        requires: tuple[str, ...] = (),
    ) -> PathDistribution:
        folder = tmp_path / place / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        extras = {part.split("'")[1] for r in requires for part in [r.partition("extra == ")[2]] if part}
        lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
        text = "\n".join(lines) + "\n" if metadata == "" else metadata
        files = {"METADATA": text, "entry_points.txt": entry_points, "RECORD": record, "top_level.txt": top_level}
        for file, content in files.items():
            if content is not None:
                (folder / file).write_text(content, "utf-8")
        return PathDistribution(folder)

    return write

"""A toy backbone, a stand-in for the trainer's step, and distributions put on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest
import torch
from harness_lamir.backbones.base import Backbone, Batch
from harness_lamir.objectives.base import Objective, View
from harness_lamir.recipe import Recipe, parse_recipe
from torch import Tensor, nn
from torch.nn import functional

from harness.encoders.protocols import Role
from harness.plugins.manager import default_registry

BUCKETS = 512


class Toy(Backbone):
    """The mean of a table's rows, one for each word, with dropout to tell training from evaluation."""

    def __init__(self, dim: int = 8, seed: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.dim = dim
        generator = torch.Generator().manual_seed(seed)
        self.table = nn.Parameter(torch.randn(BUCKETS, dim, generator=generator))
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Bags of words."""
        counts = torch.zeros(len(texts), BUCKETS)
        for row, text in zip(counts, texts, strict=True):
            for word in text.casefold().split():
                row[crc32(word.encode()) % BUCKETS] += 1
        return {"counts": counts}

    def forward(self, batch: Batch) -> Tensor:
        """Sum and normalise."""
        return functional.normalize(self.dropout(batch["counts"] @ self.table), dim=1)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(text.split()) for text in texts]

    def save(self, folder: Path) -> None:
        """Never asked for."""
        raise NotImplementedError


@pytest.fixture
def make_backbone() -> Callable[..., Toy]:
    """The toy backbone's class."""
    return Toy


@pytest.fixture
def look() -> Callable[..., dict[str, View]]:
    """A function that encodes what an objective asks for, as the trainer does, and returns the views."""

    def views(
        objective: Objective, backbone: Backbone, rows: Mapping[str, Sequence[Any]], seed: int = 0
    ) -> dict[str, View]:
        keys: dict[str, int] = {}
        found = {}
        for name, texts in objective.texts(rows, Random(seed)).items():
            assert len(texts.texts) == len(texts.languages) > 0
            teacher = objective.teacher(name)
            with torch.set_grad_enabled(teacher is None):
                vectors = (teacher or backbone).encode(texts.texts, role=texts.role, languages=texts.languages)
            folded = [" ".join(text.casefold().split()) for text in texts.texts]
            numbers = torch.tensor([keys.setdefault(text, len(keys)) for text in folded])
            found[name] = View(vectors, numbers, tuple(texts.languages))
        return found

    return views


@pytest.fixture
def unit() -> Callable[..., Tensor]:
    """A function that returns (rows, dim) float64 unit vectors."""

    def draw(rows: int, dim: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return functional.normalize(torch.randn(rows, dim, generator=generator, dtype=torch.float64), dim=1)

    return draw


@pytest.fixture
def recipe_of() -> Callable[..., Recipe]:
    """A function that makes a recipe of objectives and of streams, given as name to kind or to settings."""

    def make(objectives: Sequence[Mapping[str, Any]], **streams: Any) -> Recipe:
        source = {"name": "made up", "files": ["*.tsv"], "licence": "CC0 1.0"}
        base = {"sources": [source], "batch_size": 4}
        settings = {
            name: {**base, **({"kind": kind} if isinstance(kind, str) else kind)} for name, kind in streams.items()
        }
        content = {"name": "toy", "licence": "cc0-1.0", "steps": 1, "objectives": objectives, "streams": settings}
        return parse_recipe(content, "toy")

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A function that puts a distribution with plugins on the path, as an installer leaves it."""
    before = set(sys.modules)

    def put(name: str, modules: Mapping[str, str], plugin: str) -> Path:
        folder = tmp_path / f"site-{name}"
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source, "utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[lamir_harness]\nplugin = {plugin}\n", "utf-8")
        monkeypatch.syspath_prepend(folder)
        default_registry.cache_clear()
        return folder

    yield put
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", None)):
            del sys.modules[module]
    default_registry.cache_clear()

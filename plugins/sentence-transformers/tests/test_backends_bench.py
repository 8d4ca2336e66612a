"""The bench of runtimes runs, and its table is whole with and without the optional packages."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPT = Path(__file__).parents[3] / "bench" / "encode_backends.py"
DIRECT = "sentence-transformers, called directly"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="no bench beside the tests")


@pytest.fixture
def one_layer(minilm: Path, tmp_path: Path) -> Path:
    """A copy of the model with its first layer alone: it is exported sooner."""
    folder = tmp_path / "one-layer"
    shutil.copytree(minilm, folder, copy_function=os.symlink)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}), "utf-8")
    return folder


def table(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, list[float]], str]:
    """The figures of each row for three short passages, and all that was printed."""
    spec = importlib.util.spec_from_file_location("encode_backends", SCRIPT)
    assert spec is not None and spec.loader is not None
    bench: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    smallest = ["--languages", "en", "sw", "zh", "--texts", "1", "--rounds", "1", "--model", str(model)]
    monkeypatch.setattr(sys, "argv", ["encode_backends.py", *smallest])
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # as the bench sets it, so that it is put back
    threads = torch.get_num_threads()
    try:
        bench.main()
    finally:
        torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    rows = re.findall(r"^\| ([a-z0-9 ,-]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", printed, re.MULTILINE)
    return {name: [float(figure) for figure in figures] for name, *figures in rows}, printed


def test_every_backend_has_a_row(
    one_layer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Torch is compared with itself, the library called directly gives its vectors, and int8 rounds."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    rows, printed = table(one_layer, monkeypatch, capsys)
    assert list(rows) == ["torch", DIRECT, "onnx", "onnx int8", "openvino", "openvino int8"]
    assert rows["torch"] == [1, 1, 1] and "left out" not in printed
    assert all(ratio > 0 for figures in rows.values() for ratio in figures)
    assert all(rows[name][2] > 0.9999 for name in (DIRECT, "onnx", "openvino"))
    assert all(0.9 < rows[name][2] < 1 for name in ("onnx int8", "openvino int8")), rows


def test_absent_packages_are_named(
    one_layer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without onnx neither runtime is there: two rows are left, and four reasons."""
    monkeypatch.setattr("harness.plugins.requirements.satisfied", lambda name: not name.startswith("onnx"))
    rows, printed = table(one_layer, monkeypatch, capsys)
    assert list(rows) == ["torch", DIRECT]
    assert len(re.findall(r"^left out: (?:onnx|openvino)(?: int8)?: .*onnx>=1\.17", printed, re.MULTILINE)) == 4

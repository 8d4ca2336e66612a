"""The interpreter and the hardware, read from files made for it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.doctor import Finding, environment, hardware

_CPUINFO = """processor\t: 0
model name\t: Some Processor 9000
flags\t\t: fpu avx avx2 avx512f avx512_bf16 amx_bf16 amx_tile amx_int8

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""


def _system(root: Path, **files: str) -> Path:
    places = {
        "cpuinfo": "proc/cpuinfo", "meminfo": "proc/meminfo", "cpu_max": "sys/fs/cgroup/cpu.max",
        "memory_max": "sys/fs/cgroup/memory.max", "nvidia": "proc/driver/nvidia/version",
    }  # fmt: skip
    for name, text in files.items():
        path = root / places[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def _found(root: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in hardware.findings(torch=False, root=root)}


def test_processor(tmp_path: Path) -> None:
    """Name and instruction sets of the first core; a flag counts as a whole word."""
    _system(tmp_path, cpuinfo=_CPUINFO)
    assert hardware.cpu(tmp_path) == ("Some Processor 9000", ["avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8"])
    arm = _system(tmp_path / "arm", cpuinfo="Features\t: fp asimd bf16 sve\n")
    assert hardware.cpu(arm) == ("", ["neon", "sve", "bf16"])
    assert hardware.cpu(tmp_path / "none") == ("", [])


def test_limits_of_a_container(tmp_path: Path) -> None:
    """What a container may use is told beside what the machine has."""
    memory = "MemTotal:  16000000 kB\nMemFree: 1 kB\nMemAvailable:  8000000 kB\n"
    _system(tmp_path, cpuinfo=_CPUINFO, meminfo=memory, cpu_max="50000 100000\n", memory_max="4000000000\n")
    found = _found(tmp_path)
    assert found["processor"].data["quota"] == 0.5
    assert "held to the time of 0.5" in found["processor"].value
    assert found["memory"].value == "16.4 GB, 8.2 GB free, held to 4.0 GB"
    free = _found(_system(tmp_path / "free", meminfo=memory, cpu_max="max 100000\n", memory_max="max\n"))
    assert (free["processor"].data["quota"], free["memory"].data["limit"]) == (None, None)


def test_systems_that_tell_nothing(tmp_path: Path) -> None:
    """Without any of the files there are still cores, and nothing is a complaint."""
    found = _found(tmp_path)
    assert found["processor"].data["cores"] == os.cpu_count()
    assert {finding.status for finding in found.values()} == {"ok"}


def test_this_machine() -> None:
    """Here the memory is what the system says."""
    found = _found(Path("/"))
    if platform.system() == "Linux":
        assert found["memory"].data["total"] <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 1.01


def test_torch_without_the_gpu_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver, and a torch that was built without CUDA, is a warning; either alone is none."""
    monkeypatch.setattr(hardware.metadata, "version", lambda name: "2.7.1+cpu")
    driver = _system(tmp_path / "driver", nvidia="NVRM version")
    finding = _found(driver)["accelerator"]
    assert (finding.status, finding.data["nvidia_driver"]) == ("warning", True)
    assert _found(tmp_path)["accelerator"].status == "ok"
    monkeypatch.setattr(hardware.metadata, "version", lambda name: "2.7.1+cu126")
    assert _found(driver)["accelerator"].status == "ok"


def _torch(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Finding:
    def run(*arguments: Any, **options: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        code, out, err = answer
        return subprocess.CompletedProcess(arguments, code, out, err)

    monkeypatch.setattr(hardware.subprocess, "run", run)
    *_, finding = hardware.findings(torch=True)
    return finding


def test_torch_is_asked_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its devices are listed; one that crashes, hangs or is not there is told, and takes nothing along."""
    answer = (
        'noise\n@@{"version": "2.7", "cuda": "12.6", "devices": [{"name": "H100", "memory": 80000000000}], '
        '"bfloat16": true, "mps": false, "threads": 4}'
    )
    finding = _torch(monkeypatch, (0, answer, ""))
    assert (finding.status, finding.value) == ("ok", "torch 2.7: H100 (80.0 GB), 4 threads")
    crashed = _torch(monkeypatch, (-11, "", ""))
    assert (crashed.status, crashed.value) == ("problem", "torch does not load: exit status -11")
    broken = _torch(monkeypatch, (1, "", "Traceback\nOSError: libcudart.so.12: cannot open\n"))
    assert (broken.status, "libcudart" in broken.value) == ("problem", True)
    absent = _torch(monkeypatch, (1, "", "ModuleNotFoundError: No module named 'torch'\n"))
    assert (absent.status, absent.value) == ("ok", "torch is not installed")
    stuck = _torch(monkeypatch, subprocess.TimeoutExpired("python", 1))
    assert (stuck.status, "did not answer" in stuck.value) == ("problem", True)


def test_interpreter() -> None:
    """Python, the platform and the prefix are those of this process."""
    found = {finding.name: finding for finding in environment.findings()}
    assert found["python"].data["version"] == platform.python_version()
    assert found["prefix"].data["kind"] == (
        "virtual" if sys.prefix != sys.base_prefix else found["prefix"].data["kind"]
    )


def test_the_command_of_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `harness` that a shell finds elsewhere is a warning; none at all, and our own, are none."""
    script = tmp_path / "harness"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {finding.name: finding for finding in environment.findings()}["command"]
    assert (found.status, found.data["path"]) == ("warning", str(script))
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert {finding.name: finding for finding in environment.findings()}["command"].status == "ok"
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert {finding.name: finding for finding in environment.findings()}["command"].status == "ok"

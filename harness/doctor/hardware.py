"""What the machine can do, read from the system; torch is asked only on request, and in another process."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from harness.doctor.finding import Finding, size

_GROUP = "hardware"

#: Instruction sets that decide how fast encoding and search are, by what Linux calls them.
FLAGS = {
    "avx2": "avx2",
    "fma": "fma",
    "avx512f": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
    "amx_bf16": "amx_bf16",
    "amx_int8": "amx_int8",
    "asimd": "neon",
    "sve": "sve",
    "bf16": "bf16",
    "i8mm": "i8mm",
}

#: Seconds until torch counts as stuck: importing it from a cold network disk takes a minute.
_PATIENCE = 120

_ASK_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print("@@" + json.dumps({
    "version": torch.__version__,
    "cuda": torch.version.cuda,
    "devices": [
        {"name": torch.cuda.get_device_name(i), "memory": torch.cuda.get_device_properties(i).total_memory,
         "capability": list(torch.cuda.get_device_capability(i))}
        for i in range(torch.cuda.device_count() if cuda else 0)
    ],
    "bfloat16": cuda and torch.cuda.is_bf16_supported(),
    "mps": torch.backends.mps.is_available(),
    "threads": torch.get_num_threads(),
}))
"""


def findings(*, torch: bool, root: Path = Path("/")) -> Iterator[Finding]:
    """Processor, memory and accelerators. `root` is where the files of the system begin."""
    yield _processor(root)
    yield _memory(root)
    yield _ask_torch() if torch else _accelerator(root)


def _processor(root: Path) -> Finding:
    name, flags = cpu(root)
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    quota = _quota(root)
    parts = [name or platform.processor() or platform.machine(), f"{cores} cores"]
    if usable < cores:
        parts.append(f"{usable} of them for this process")
    if quota is not None and quota < usable:
        parts.append(f"held to the time of {quota:g}")
    parts.append(" ".join(flags) if flags else "instruction sets not told by this system")
    data = {"cores": cores, "usable": usable, "quota": quota, "flags": flags}
    return Finding(_GROUP, "processor", ", ".join(parts), data=data)


def cpu(root: Path = Path("/")) -> tuple[str, list[str]]:
    """Name of the processor and those of `FLAGS` that it has; empty where the system does not tell."""
    name, has = "", set()
    for line in _read(root / "proc" / "cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and not name:
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            has = set(value.split())
            break  # all cores have the same
    return name, [shown for flag, shown in FLAGS.items() if flag in has]


def _quota(root: Path) -> float | None:
    """Cores' worth of time that a container gives, None for no limit."""
    limit, _, period = _read(root / "sys" / "fs" / "cgroup" / "cpu.max").strip().partition(" ")
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() and int(period) else None


def _memory(root: Path) -> Finding:
    facts = {}
    for line in _read(root / "proc" / "meminfo").splitlines():
        key, _, value = line.partition(":")
        if key in ("MemTotal", "MemAvailable") and value.split()[:1]:
            facts[key] = int(value.split()[0]) * 1024
    total = facts.get("MemTotal")
    if total is None:
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return Finding(_GROUP, "memory", "not told by this system")
    limit_text = _read(root / "sys" / "fs" / "cgroup" / "memory.max").strip()
    limit = int(limit_text) if limit_text.isdigit() and int(limit_text) < total else None
    value = size(total)
    if "MemAvailable" in facts:
        value += f", {size(facts['MemAvailable'])} free"
    if limit is not None:
        value += f", held to {size(limit)}"
    return Finding(
        _GROUP, "memory", value, data={"total": total, "available": facts.get("MemAvailable"), "limit": limit}
    )


def _accelerator(root: Path) -> Finding:
    """What can be known without torch: whether there is a driver, and for what torch was built."""
    driver = (root / "proc" / "driver" / "nvidia" / "version").exists()
    try:
        build: str | None = metadata.version("torch")
    except metadata.PackageNotFoundError:
        build = None
    data = {"nvidia_driver": driver, "torch": build}
    words = [
        "an NVIDIA driver" if driver else "no NVIDIA driver",
        "torch is not installed" if build is None else f"torch {build}",
    ]
    if driver and build is not None and build.endswith("+cpu"):
        hint = "This torch was built without CUDA; https://pytorch.org/get-started has the command for one with it."
        return Finding(_GROUP, "accelerator", ", ".join(words), "warning", hint, data)
    return Finding(_GROUP, "accelerator", f"{', '.join(words)} (`harness doctor --torch` asks it)", data=data)


def _ask_torch() -> Finding:
    """The devices that torch sees. It is asked in another process, because a broken one may take its process along."""
    hint = "`python -c 'import torch'` shows where; pip install --force-reinstall torch mends most."
    try:
        done = subprocess.run([sys.executable, "-c", _ASK_TORCH], capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return Finding(_GROUP, "accelerator", f"torch did not answer within {_PATIENCE} s", "problem", hint)
    answer = done.stdout.rpartition("@@")[2]
    if done.returncode or not answer.startswith("{"):
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        if "No module named 'torch'" in last:
            return Finding(_GROUP, "accelerator", "torch is not installed", data={"torch": None})
        return Finding(_GROUP, "accelerator", f"torch does not load: {last}", "problem", hint)
    facts = json.loads(answer)
    devices = [f"{device['name']} ({size(device['memory'])})" for device in facts["devices"]]
    if facts["mps"]:
        devices.append("Apple GPU (mps)")
    value = f"torch {facts['version']}: {', '.join(devices) or 'no GPU'}, {facts['threads']} threads"
    return Finding(_GROUP, "accelerator", value, data=facts)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""

"""Several processes: together they compute what one does."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from harness_lamir.recipe import Runtime
from harness_lamir.training.distributed import ALONE, Group, launched_rank, open_group
from safetensors.torch import load_file
from torch import nn

from harness.errors import UsageError

_TIMEOUT = 120

_GRADIENTS = """
import torch
from safetensors.torch import save_file
from harness_lamir.backbones import transformer
from harness_lamir.recipe import Runtime
from harness_lamir.training.distributed import open_group
from harness_lamir.training.step import gradients

torch.set_num_threads(1)
group = open_group(Runtime())  # what a machine without accelerators finds by itself
transformer._CALL = {"cpu": 2 if group.size > 1 else 10**9}  # several cut what they encode by length, one does not
found = {}
for chunk in (0, 2):
    backbone = here.small_backbone(double=True).train()
    if group.rank:  # weights of another seed, which must be replaced by the first process's
        with torch.no_grad():
            for parameter in backbone.parameters():
                parameter.add_(1.0)
    group.share(backbone)
    backbone.unused = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    members = here.members_for(backbone, above.tiny_recipe())
    members[0].objective.scale = torch.nn.Parameter(torch.ones((), dtype=torch.float64))
    forward = members[0].objective.forward
    members[0].objective.forward = lambda views: forward(views) * members[0].objective.scale
    losses = gradients(backbone, members, here.made_up_rows(), seed=1, chunk=chunk or None, group=group)
    assert backbone.unused.grad is None
    found[f"{chunk} total"] = torch.tensor(losses.total, dtype=torch.float64)
    found[f"{chunk} scale"] = members[0].objective.scale.grad
    found |= {f"{chunk} {name}": p.grad for name, p in backbone.named_parameters() if p.grad is not None}
found["flags"] = torch.tensor([group.any(False), group.any(group.rank == group.size - 1)]).int()
found["value"] = torch.tensor(group.broadcast(0.25 + group.rank), dtype=torch.float64)
# One process has nothing to encode: there are fewer texts than processes.
rows = group.gather(torch.full((1 - group.rank, 3), 7.0), [1, 0][: group.size])
assert rows.tolist() == [[7.0] * 3], rows
save_file(found, sys.argv[3] + f"/{group.size}-{group.rank}.safetensors")
group.wait()
"""


def free_port() -> str:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_two_processes_give_the_gradients_of_one(
    run_script: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Gloo, float64, with gradient caching and without: backbone, heads, losses, and odds and ends."""
    port = free_port()
    launched = [
        {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for rank in range(2)
    ]
    started = [run_script(_GRADIENTS, str(tmp_path), **environment) for environment in [*launched, {}]]
    for process in started:
        output, _ = process.communicate(timeout=_TIMEOUT)
        assert process.returncode == 0, output
    alone = load_file(tmp_path / "1-0.safetensors")
    assert len(alone) > 20
    for rank in range(2):
        together = load_file(tmp_path / f"2-{rank}.safetensors")
        assert together.keys() == alone.keys()
        assert together.pop("flags").tolist() == [0, 1]
        for name, value in together.items():
            torch.testing.assert_close(value, alone[name], atol=1e-9, rtol=1e-9, msg=f"{rank}: {name}")


def test_processes_that_cannot_form_a_group_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than each training alone, and writing over the others."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    state = SimpleNamespace(device=torch.device("mps"), process_index=0, num_processes=1)
    monkeypatch.setattr("accelerate.PartialState", lambda **_: state)
    monkeypatch.setattr("harness_lamir.training.distributed.resolve_device", lambda _: state.device)
    with pytest.raises(UsageError, match="2 processes were started and cannot form a group on mps"):
        open_group(Runtime())


def test_one_process_needs_nobody() -> None:
    """Nothing is copied, summed or waited for."""
    vectors = torch.ones(2, 3, requires_grad=True)
    assert not ALONE.gather(vectors, [2]).requires_grad
    parameter = nn.Parameter(torch.zeros(1))
    ALONE.sum_gradients([parameter])
    ALONE.mean_gradients([parameter])
    ALONE.wait()
    assert parameter.grad is None and ALONE.main and ALONE.any(True) and ALONE.broadcast(2.5) == 2.5


def test_bf16_is_by_autocast_and_leaves_weights_alone() -> None:
    """A product inside is bfloat16; the weights stay float32."""
    group = open_group(Runtime(device="cpu", precision="bf16"))
    layer = nn.Linear(2, 2)
    with group.autocast():
        assert layer(torch.ones(1, 2)).dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32
    with Group(torch.device("cpu")).autocast():
        assert layer(torch.ones(1, 2)).dtype == torch.float32


def test_a_device_that_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA device without bfloat16, and a device that is not there."""
    monkeypatch.setattr("harness_lamir.training.distributed.resolve_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Old One")
    with pytest.raises(UsageError, match="Old One does not compute in bfloat16"):
        open_group(Runtime(precision="bf16"))
    monkeypatch.undo()
    with pytest.raises(UsageError, match="quantum"):
        open_group(Runtime(device="quantum"))


def test_the_rank_comes_from_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is 0 without one."""
    monkeypatch.delenv("RANK", raising=False)
    assert launched_rank() == 0
    monkeypatch.setenv("RANK", "3")
    assert launched_rank() == 3

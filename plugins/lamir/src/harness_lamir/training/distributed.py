"""Several processes as one: what each encodes, and how vectors and gradients come together.

Every process draws the same batch, from the same seeds, and encodes its share of the texts. The vectors are gathered,
so that each process has all of them and computes the loss of the whole batch, in-batch negatives included. It takes
the gradient of its own rows alone through its copy of the encoder. The gradient of a sum is the sum of the gradients:

    dL/dθ = Σ_texts  dL/dv · dv/dθ  =  Σ_processes  Σ_own texts  dL/dv · dv/dθ,

so the parameters' gradients, added up over the processes, are those that one process would have computed. Nothing is
averaged and no loss is rescaled. (An `all_gather` that passes gradients, on losses of local queries, would give the
same up to a factor, with one more communication.)

Processes are started by `accelerate launch`, which says how many there are and what each may use; alone, a process
needs nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from harness.encoders.hardware import resolve_device
from harness.errors import UsageError
from harness_lamir.recipe import Runtime

__all__ = ["ALONE", "Group", "launched_rank", "open_group"]

#: How long one process waits for the others: the first of them evaluates while the rest have nothing to do.
_PATIENCE = timedelta(hours=12)


class Group:
    """The processes of a run, as one of them sees it.

    Args:
        device: where this process computes.
        bf16: compute encoders in bfloat16 where autocast finds that safe.
        rank: the number of this process, from 0.
        size: how many there are.
    """

    def __init__(self, device: torch.device, *, bf16: bool = False, rank: int = 0, size: int = 1) -> None:
        self.device = device
        self.bf16 = bf16
        self.rank = rank
        self.size = size

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes files and reports."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """The context for encoders: bf16 by autocast, or nothing."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext()

    def gather(self, vectors: Tensor, counts: Sequence[int]) -> Tensor:
        """Bring the rows of all processes together, in the order of ranks; no gradient passes.

        Args:
            vectors: (counts[rank], D), this process's rows.
            counts: how many rows each process has.

        Returns:
            (sum of counts, D), the same in every process.
        """
        vectors = vectors.detach()
        if self.size == 1:
            return vectors
        longest = max(counts)
        padded = vectors.new_zeros(longest, vectors.shape[1])
        padded[: len(vectors)] = vectors
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over the processes; one that no process has stays None."""
        if self.size == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        there = torch.tensor([p.grad is not None for p in trained], dtype=torch.int32, device=self.device)
        dist.all_reduce(there, dist.ReduceOp.MAX)
        # In the order of the parameters, which is the same in every process.
        for parameter, somewhere in zip(trained, there.tolist(), strict=True):
            if somewhere:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def mean_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean: for losses' own parameters, all but equal anyway."""
        trained = list(parameters)
        self.sum_gradients(trained)
        for parameter in trained:
            if parameter.grad is not None:
                parameter.grad /= self.size

    def share(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""
        if self.size > 1:
            for tensor in [*module.parameters(), *module.buffers()]:
                dist.broadcast(tensor.data, 0)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        value = torch.tensor(int(flag), device=self.device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return bool(value.item())

    def broadcast(self, value: float) -> float:
        """Give every process the first one's value."""
        if self.size == 1:
            return value
        box = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.broadcast(box, 0)
        return float(box.item())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


#: One process on the CPU.
ALONE = Group(torch.device("cpu"))


def launched_rank() -> int:
    """The rank that a launcher gave this process; 0 where there is none. Asks no torch."""
    return int(os.environ.get("RANK", "0"))


def open_group(runtime: Runtime) -> Group:
    """The group that a launcher made this process part of, or one process alone.

    Raises:
        UsageError: the device is absent, cannot compute in bfloat16 where the recipe asks for that, or cannot be used
            by several processes.
    """
    rank, size = 0, int(os.environ.get("WORLD_SIZE", "1"))
    device = resolve_device(runtime.device)
    if size > 1:
        from accelerate import PartialState

        # Where it is not told so, accelerate makes no group of processes that have CPUs alone.
        state = PartialState(cpu=device.type == "cpu", timeout=_PATIENCE)
        if state.num_processes != size:  # each would train by itself and write over the others
            raise UsageError(
                f"{size} processes were started and cannot form a group on {state.device}",
                hint="Compute on CPUs with --device cpu, or start one process.",
            )
        device, rank = state.device, state.process_index
    bf16 = runtime.precision == "bf16"
    if bf16 and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UsageError(
            f"precision bf16: {torch.cuda.get_device_name(device)} does not compute in bfloat16",
            hint="Use fp32: --precision fp32.",
        )
    return Group(device, bf16=bf16, rank=rank, size=size)

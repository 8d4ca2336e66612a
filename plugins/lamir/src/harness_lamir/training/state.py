"""The state of a run that is not finished: everything that the next step depends on, and nothing else.

A state is a folder `step-N` of safetensors and JSON (never pickle: reading a state must not run code):

    backbone.safetensors    weights and buffers
    objectives.safetensors  weights and buffers of every objective, as number.key
    optimizer.safetensors   moments and step counts
    best.safetensors        the weights of the best evaluation so far, where they are kept
    state.json              which run it belongs to, the step, the random generators, what was measured

It is written beside under another name and renamed, so that a state that is there is whole; the one before goes only
then. Torch's generators are not in it: they are seeded anew at every step (see `seeds`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness._util.atomic import sync, write_text
from harness.errors import HarnessError, UsageError
from harness_lamir.recipe import Recipe

__all__ = ["Progress", "Scored", "State", "check_recipe", "identity_of", "snapshot"]

_FORMAT = 2
_DIFFERENCES = 5  # named in an error
#: What of a recipe may change under a run that is resumed: how it computes, and what the card says.
_FREE = {"runtime", "summary", "licence"}


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation: the step it was made after, the main metric of each subset, and their mean."""

    step: int
    mean: float
    subsets: dict[str, float]


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: steps that are done.
        losses: the unweighted losses of the last one.
        total: their weighted sum.
        before: accuracy on held-out translations before training.
        scores: evaluations so far.
        seconds: time spent training.
        log_bytes: length of the log.
    """

    step: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    before: float | None = None
    scores: list[Scored] = field(default_factory=list)
    seconds: float = 0.0
    log_bytes: int = 0

    @property
    def best(self) -> Scored | None:
        """The evaluation with the highest mean; the first of several equals."""
        return max(self.scores, key=lambda scored: scored.mean, default=None)

    @property
    def since_best(self) -> int:
        """Evaluations since the best one."""
        best = self.best
        return 0 if best is None else len(self.scores) - 1 - self.scores.index(best)


@dataclass
class State:
    """What is saved and restored; the objects are changed in place by `load`.

    Attributes:
        identity: what the run is (see `identity_of`).
        backbone: what is trained.
        objectives: in the order of the recipe.
        optimizer: its moments.
        generators: the random generators of streams and objectives, by name.
        progress: how far the run has come.
        best: the weights of the best evaluation, on the CPU; empty where none are kept.
    """

    identity: dict[str, Any]
    backbone: nn.Module
    objectives: Sequence[nn.Module]
    optimizer: torch.optim.Optimizer
    generators: Mapping[str, Random]
    progress: Progress = field(default_factory=Progress)
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the folder of the state is called."""
        return f"step-{self.progress.step:08d}"

    def save(self, folder: Path) -> None:
        """Write the state as `folder/step-N`, and remove older ones.

        Raises:
            HarnessError: it cannot be written; the one before is kept.
        """
        final = folder / self.name
        draft = folder / f".{final.name}"
        try:
            self._write(draft)
            shutil.rmtree(final, ignore_errors=True)
            draft.rename(final)
            sync(folder)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(draft, ignore_errors=True)  # it may be what filled the disk
            raise HarnessError(
                f"{folder}: the state of the run cannot be saved ({error})",
                hint="Is the disk full? Make room, and the same command goes on from the last state that was saved.",
            ) from error
        for old in folder.glob("*step-*"):
            if old != final:
                shutil.rmtree(old, ignore_errors=True)

    def _write(self, draft: Path) -> None:
        """Write everything into a new folder."""
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        moments, rest = _optimizer_parts(self.optimizer)
        tensors = {
            "backbone": snapshot(self.backbone),
            "objectives": {f"{n}.{k}": t for n, m in enumerate(self.objectives) for k, t in snapshot(m).items()},
            "optimizer": moments,
            "best": self.best,
        }
        for name, content in tensors.items():
            save_file(content, draft / f"{name}.safetensors")
            sync(draft / f"{name}.safetensors")
        write_text(
            draft / "state.json",
            json.dumps(
                {
                    "format": _FORMAT,
                    "identity": self.identity,
                    "progress": asdict(self.progress),
                    "optimizer": rest,
                    "generators": {name: rng.getstate() for name, rng in self.generators.items()},
                },
                ensure_ascii=False,
            ),
        )

    def load(self, saved: Path) -> None:
        """Go on from a folder that `save` wrote.

        Raises:
            UsageError: it belongs to another run (what differs is named), or is damaged.
        """
        try:
            content = json.loads((saved / "state.json").read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']}, expected {_FORMAT}")
            _refuse_another(saved.parent, content["identity"], self.identity)
            self.backbone.load_state_dict(load_file(saved / "backbone.safetensors"))
            tensors = load_file(saved / "objectives.safetensors")
            for number, module in enumerate(self.objectives):
                prefix = f"{number}."
                module.load_state_dict(
                    {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
                )
            _restore_optimizer(self.optimizer, load_file(saved / "optimizer.safetensors"), content["optimizer"])
            for name, rng in self.generators.items():
                version, numbers, gauss = content["generators"][name]
                rng.setstate((version, tuple(numbers), gauss))
            progress = content["progress"]
            self.progress = Progress(**{**progress, "scores": [Scored(**scored) for scored in progress["scores"]]})
            self.best = load_file(saved / "best.safetensors")
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise UsageError(
                f"{saved}: the state of the unfinished run cannot be read ({type(error).__name__}: {error})",
                hint="Start over with --restart.",
            ) from error


def identity_of(recipe: Recipe, **digests: Mapping[str, str]) -> dict[str, Any]:
    """What makes two runs the same: the recipe but for how it computes, and digests of what it reads, by name."""
    return {"recipe": recipe.model_dump(mode="json", exclude=_FREE)} | {key: dict(by) for key, by in digests.items()}


def check_recipe(saved: Path, recipe: Recipe) -> None:
    """Raise UsageError where a saved state is of another recipe, which `load` would find out after minutes of reading.

    What cannot be read here is left to `load`.
    """
    try:
        content = json.loads((saved / "state.json").read_text(encoding="utf-8"))
        there = {"recipe": content["identity"]["recipe"]}
    except (OSError, ValueError, KeyError, TypeError):
        return
    _refuse_another(saved.parent, there, identity_of(recipe))


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """A copy of a module's weights and buffers on the CPU; tied weights are written twice."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous()
        for name, value in module.state_dict().items()
        if isinstance(value, Tensor)
    }


def _optimizer_parts(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimiser's state into tensors, and what JSON can hold."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value.detach().to("cpu", copy=True).contiguous()
            else:
                numbers[f"{index}.{key}"] = value
    return tensors, {"groups": state["param_groups"], "numbers": numbers}


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, value in [*tensors.items(), *rest["numbers"].items()]:
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    groups = [
        {key: tuple(value) if isinstance(now.get(key), tuple) else value for key, value in group.items()}
        for group, now in zip(rest["groups"], optimizer.param_groups, strict=True)
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _refuse_another(folder: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise UsageError where two identities differ in what is known here; the first differences are named."""
    differences = list(_differences({key: there.get(key) for key in here}, here))
    if differences:
        more = f" and {len(differences) - _DIFFERENCES} more" if len(differences) > _DIFFERENCES else ""
        raise UsageError(
            f"{folder}: the unfinished run there is another one: " + "; ".join(differences[:_DIFFERENCES]) + more,
            hint="Finish that run with its own recipe and data, or drop it with --restart.",
        )


def _differences(there: Any, here: Any, place: str = "") -> Iterable[str]:
    """Name what differs between two mappings, by dotted keys."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            yield from _differences(there.get(key), here.get(key), f"{place}.{key}" if place else key)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, (old, new) in enumerate(zip(there, here, strict=True)):
            yield from _differences(old, new, f"{place}.{number}")
    elif there != here:
        yield f"{place} is {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"

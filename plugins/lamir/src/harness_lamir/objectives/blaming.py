"""Whose fault an error is: an objective may be anybody's code, and what it throws must not pass for ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from harness.errors import HarnessError

__all__ = ["blamed", "scalar"]


@contextmanager
def blamed(name: str, doing: str) -> Iterator[None]:
    """Raise HarnessError, which names the objective, for whatever is raised in the block and is not one already.

    Args:
        name: what the run calls the objective.
        doing: the method of `Objective` that is called.
    """
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise HarnessError(
            f"objective {name!r} failed in {doing}: {type(error).__name__}: {text}",
            hint="Run again with --traceback to see where.",
        ) from error


def scalar(loss: object) -> Tensor:
    """Return the loss of an objective; raises TypeError unless it is a tensor of no dimensions."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss is a {type(loss).__name__}, not a tensor")
    if loss.ndim:
        raise TypeError(f"the loss has the shape {tuple(loss.shape)}, and must be a scalar")
    return loss

"""The hooks a plugin may implement. Implementations return declarations; nothing heavy is imported to make them."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from harness.plugins.spec import EncoderSpec, ObjectiveSpec, TrainerSpec

hookspec = pluggy.HookspecMarker("lamir_harness")


@hookspec
def harness_encoders() -> Iterable[EncoderSpec]:  # type: ignore[empty-body]
    """Declare encoders, searchers and rerankers.

    Called once per process. Return an iterable of `EncoderSpec`; the factory each one names is imported only when
    somebody asks for that encoder.
    """


@hookspec
def harness_trainers() -> Iterable[TrainerSpec]:  # type: ignore[empty-body]
    """Declare trainers, each of which becomes a verb `harness train NAME`.

    Called once per process. The command each `TrainerSpec` names is imported only when that verb is used.
    """


@hookspec
def harness_objectives() -> Iterable[ObjectiveSpec]:  # type: ignore[empty-body]
    """Declare training objectives, which a trainer's recipe may name.

    Called once per process. The factory of each `ObjectiveSpec` is imported only when a recipe uses it.
    """

"""Plugins: what a distribution may contribute, and how contributions are found and kept apart."""

from __future__ import annotations

import pluggy

from harness.plugins.spec import EncoderOptions, EncoderSpec, ObjectiveOptions, ObjectiveSpec, TrainerSpec

#: Entry point group in which a distribution names its plugin module.
ENTRY_POINT_GROUP = "lamir_harness"

#: Marks a function of a plugin module as the implementation of the hook of the same name.
hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)

__all__ = [
    "ENTRY_POINT_GROUP",
    "EncoderOptions",
    "EncoderSpec",
    "ObjectiveOptions",
    "ObjectiveSpec",
    "TrainerSpec",
    "hookimpl",
]

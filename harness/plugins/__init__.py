"""Plugins: what a distribution may contribute, and how contributions are found and kept apart."""

from __future__ import annotations

import pluggy

from harness.plugins.spec import (
    EncoderOptions,
    EncoderSpec,
    ObjectiveOptions,
    ObjectiveSpec,
    TrainerSpec,
    TrainingDatasets,
)

#: Entry point group in which a distribution names its plugin module.
ENTRY_POINT_GROUP = "lamir_harness"

#: Version of what a plugin may rely on: hooks, declarations, protocols, options and errors. A plugin module says which
#: it was written for with `HARNESS_API = 1`; one that says nothing was written for version 1.
API_VERSION = 1

#: The oldest version that is still served. Plugins of the versions from here to the one before `API_VERSION` load with
#: a notice, because support for them will end.
OLDEST_API_VERSION = 1

#: Marks a function of a plugin module as the implementation of the hook of the same name.
hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)

__all__ = [
    "API_VERSION",
    "ENTRY_POINT_GROUP",
    "OLDEST_API_VERSION",
    "EncoderOptions",
    "EncoderSpec",
    "ObjectiveOptions",
    "ObjectiveSpec",
    "TrainerSpec",
    "TrainingDatasets",
    "hookimpl",
]

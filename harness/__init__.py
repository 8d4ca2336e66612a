"""lamir-harness: zero-shot evaluation of multilingual retrieval encoders.

The names below are the public API. They are imported when they are first used, so that `import harness` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harness.api import Evaluation, Plan, Settings, evaluate, list_tasks, load_encoder, plan
    from harness.encoders.protocols import Encoder, EncoderInfo, Reranker, Searcher
    from harness.engine.load import Rerank
    from harness.errors import HarnessError
    from harness.results.schema import ResultFile as Result
    from harness.tasks.selection import Selection

_HOMES = {
    "Encoder": "harness.encoders.protocols",
    "EncoderInfo": "harness.encoders.protocols",
    "Evaluation": "harness.api",
    "HarnessError": "harness.errors",
    "Plan": "harness.api",
    "Rerank": "harness.engine.load",
    "Reranker": "harness.encoders.protocols",
    "Result": "harness.results.schema:ResultFile",
    "Searcher": "harness.encoders.protocols",
    "Selection": "harness.tasks.selection",
    "Settings": "harness.api",
    "evaluate": "harness.api",
    "list_tasks": "harness.api",
    "load_encoder": "harness.api",
    "plan": "harness.api",
}

__all__ = [
    "Encoder",
    "EncoderInfo",
    "Evaluation",
    "HarnessError",
    "Plan",
    "Rerank",
    "Reranker",
    "Result",
    "Searcher",
    "Selection",
    "Settings",
    "__version__",
    "evaluate",
    "list_tasks",
    "load_encoder",
    "plan",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

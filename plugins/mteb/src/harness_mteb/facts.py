"""What `EncoderInfo` says of an mteb model, from its registry entry and from the object itself."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from mteb.types import PromptType

from harness._util import fingerprint
from harness.encoders.protocols import EncoderInfo, FloatArray, Role, Similarity
from harness.errors import EncoderContractError, UsageError
from harness_mteb.languages import to_tags
from harness_mteb.loading import Loaded

PROMPT_TYPES: dict[Role, Any] = {"query": PromptType.query, "passage": PromptType.document}
#: Names under which sentence-transformers keeps the prompts of each role, which it uses where mteb has none.
_OWN_NAMES: dict[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}


def describe(loaded: Loaded, encoder: str, **facts: Any) -> EncoderInfo:
    """The info of a loaded model; `facts` are those that the kind of model adds. Its fingerprint covers them too."""
    meta, registered = loaded.meta, "model" in loaded.identity
    return EncoderInfo(
        name=loaded.name,
        fingerprint=fingerprint.of_json({"encoder": f"{encoder}/1", **loaded.identity, **facts}),
        max_tokens=_max_tokens(loaded),
        languages=to_tags(meta.languages),
        training_datasets=None if meta.training_datasets is None else tuple(sorted(meta.training_datasets)),
        model=meta.name if registered else loaded.name,
        revision=meta.revision if registered else None,
        licence=None if meta.license is None else str(meta.license),
        device=str(getattr(_inner(loaded.model), "device", "cpu")),
        dtype=_dtype(_inner(loaded.model)),
        **facts,
    )


def similarity_of(loaded: Loaded) -> Similarity:
    """How mteb compares the vectors of a model: asked of the model, because mteb asks it too.

    mteb's wrappers follow the model's own configuration, the registry's entry, or neither; (3, 4) and (6, 8) have
    cosine 1 and inner product 50. Raises UsageError for a similarity that is neither of the two.
    """
    left, right = torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]])
    try:
        value = float(np.asarray(loaded.model.similarity(left, right)).reshape(-1)[0])
    except Exception:  # a model may insist on its own dimension: then what the registry says must do
        named = loaded.meta.similarity_fn_name
        value = {"cosine": 1.0, "dot": 50.0}.get("cosine" if named is None else str(named.value), math.nan)
    if abs(value - 1) < 1e-3:
        return "cosine"
    if abs(value - 50) < 1e-3:
        return "dot"
    raise UsageError(
        f"model {loaded.name!r} compares vectors by neither cosine nor inner product",
        "Add -o similarity=cosine or -o similarity=dot to compare them otherwise than mteb does.",
    )


def prompts_of(loaded: Loaded, task: Any) -> dict[Role, str]:
    """The prompts that mteb, or sentence-transformers under it, puts before the texts of each role, where they can be
    told without running the model.
    """
    found: dict[Role, str] = {}
    roles: tuple[Role, ...] = ("query", "passage")
    for role in roles:
        if prompt := _prompt(loaded.model, task, role):
            found[role] = prompt
    return found


def _prompt(model: Any, task: Any, role: Role) -> str | None:
    kind = PROMPT_TYPES[role]
    if getattr(model, "instruction_template", None) is not None:
        if role == "passage" and not getattr(model, "apply_instruction_to_passages", True):
            return None
        return cast("str | None", model.get_task_instruction(task, kind))
    prompts = getattr(model, "model_prompts", None)
    if prompts:
        chosen = model.get_prompt_name(task, kind) if hasattr(model, "get_prompt_name") else None
        if chosen is not None:
            return cast("str | None", prompts.get(chosen))
    own = getattr(_inner(model), "prompts", None) or {}
    return next((own[name] for name in _OWN_NAMES[role] if own.get(name)), None)


def to_array(answers: Any, what: str) -> FloatArray:
    """Answers of numpy or torch, dense or sparse, on any device, as float32 on the CPU, (n, dim) or (n,).

    Raises EncoderContractError where it is not one array: late interaction has a matrix for each text.
    """
    if isinstance(answers, list) and answers and isinstance(answers[0], torch.Tensor):
        answers = torch.stack(answers)
    if isinstance(answers, torch.Tensor):
        answers = (answers.to_dense() if answers.is_sparse else answers).detach().cpu().float().numpy()
    try:
        return np.asarray(answers, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderContractError(f"{what} did not return one array: {error}") from error


def _inner(model: Any) -> Any:
    """The object of sentence-transformers or the like inside a wrapper of mteb."""
    return getattr(model, "model", model)


def _max_tokens(loaded: Loaded) -> int | None:
    """The length at which texts are cut: that of the loaded model where it has one, else the registry's."""
    for value in (getattr(_inner(loaded.model), "max_seq_length", None), loaded.meta.max_tokens):
        if isinstance(value, (int, float)) and math.isfinite(value) and value > 0:
            return int(value)
    return None


def _dtype(inner: Any) -> str:
    """The type of the first floating weight."""
    if isinstance(inner, torch.nn.Module):
        for weight in inner.parameters():
            if weight.is_floating_point():
                return str(weight.dtype).removeprefix("torch.")
    return "float32"

"""The length at which a loaded model cuts its inputs, kept within the positions it has learned."""

from __future__ import annotations

from typing import Any

from torch import nn

from harness.errors import UsageError

#: Tokenizers write "no limit" as a number this great.
_NO_LIMIT = 1_000_000


def limit_tokens(model: Any, wanted: int | None, name: str) -> int | None:
    """Make `model`, one of sentence-transformers, cut at `wanted` tokens, or at its own limit for None.

    Returns the length at which it cuts from now on, None for no limit. A tokenizer that knows no limit is given that
    of the positions, past which a model with a learned table fails in the middle of a run. Raises UsageError when
    `wanted` is above it; `name` is what the user called the model.
    """
    positions = _positions(model)
    if wanted is not None and positions is not None and wanted > positions:
        raise UsageError(f"max_tokens={wanted} is above the {positions} positions of model {name!r}")
    own: int | None = model.max_seq_length
    limit = wanted if wanted is not None else own
    if positions is not None and (limit is None or limit > positions):
        limit = positions
    if limit is not None and limit != own:
        model.max_seq_length = limit
    return None if limit is None or limit >= _NO_LIMIT else int(limit)


def _positions(model: nn.Module) -> int | None:
    """How many positions the smallest learned table holds, None without such a table (rotary, relative, static).

    Models of RoBERTa's family count positions from `padding_idx` + 1, and have as many fewer.
    """
    tables = (getattr(module, "position_embeddings", None) for module in model.modules())
    usable = [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
        for table in tables
        if isinstance(table, nn.Embedding)
    ]
    return min(usable, default=None)

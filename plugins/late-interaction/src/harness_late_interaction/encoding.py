"""Texts to token vectors: what searcher and reranker share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness._util import fingerprint
from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.pretrained import load_tokenizer
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.weights import locate
from harness.errors import UsageError
from harness_late_interaction import checkpoint
from harness_late_interaction.languages import adapter_for, fallback_among
from harness_late_interaction.network import Network
from harness_late_interaction.plugin import LateInteractionOptions
from harness_late_interaction.tokens import Row, rules, tokenize

#: Labels of models that were not trained for late interaction end with this.
UNTRAINED = "-tokens-untrained"


class TokenEncoder:
    """A checkpoint that gives a text one unit vector for each of its tokens that counts."""

    def __init__(self, options: LateInteractionOptions) -> None:
        """Load what `options` name. Raises UsageError for what cannot be loaded or does not fit together."""
        located = locate(options.model, options.revision)
        layout = checkpoint.read(located.folder)
        self._tokenizer = load_tokenizer(layout.encoder)
        self.device = resolve_device(options.device)
        self._dtype = resolve_dtype(options.dtype, self.device)
        network = Network(layout)
        self._network = network.to(device=self.device, dtype=self._dtype).eval()
        self._batch_tokens = options.batch_tokens
        self._pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else 0
        self._rules = rules(
            layout,
            self._tokenizer,
            positions=network.positions,
            vocabulary=network.vocabulary,
            query_length=options.query_length,
            passage_length=options.passage_length,
            expand=options.expand_queries,
            skip_punctuation=options.skip_punctuation,
        )
        self._adapters = network.adapters
        self._fixed: dict[Role, str | None] = {
            "query": self._asked("query_language", options.query_language),
            "passage": self._asked("passage_language", options.passage_language),
        }
        label = located.name + (UNTRAINED if layout.kind == "plain" else "")
        self.info = EncoderInfo(
            name=options.name or label,
            dim=0,
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "late-interaction/1",
                    "weights": located.fingerprint,
                    "rules": {**asdict(self._rules), "skipped": sorted(self._rules.skipped)},
                    "languages": self._fixed if self._adapters else {},
                    "storage": options.storage,
                }
            ),
            max_tokens=self._rules.passage_length,
            languages=_languages(self._adapters),
            language_aware=bool(self._adapters),
            training_datasets=None,
            model=located.name if located.revision is None else options.model,
            revision=located.revision,
            device=str(self.device),
            dtype=str(self._dtype).removeprefix("torch."),
        )

    @property
    def dim(self) -> int:
        """Components of a token vector."""
        return self._network.dim

    def adapter(self, role: Role, language: str | None) -> str | None:
        """The language adapter of texts in `language`; None for a network without adapters.

        An option that fixes the language of a role goes first; what has no adapter goes through the English one.
        """
        if not self._adapters:
            return None
        return self._fixed[role] or adapter_for(language, self._adapters) or fallback_among(self._adapters)

    def rows(self, texts: Sequence[str], role: Role) -> list[Row]:
        """Token ids of `texts`, in order."""
        return tokenize(texts, role, self._rules, self._tokenizer)

    def vectors(self, rows: Sequence[Row], adapter: str | None) -> Iterator[tuple[int, FloatArray]]:
        """(which row, its vectors (len(row.kept), dim) float32 of unit length), the longest rows first."""
        number = None if adapter is None else self._adapters.index(adapter)
        order = sorted(range(len(rows)), key=lambda i: (-len(rows[i].ids), i))
        start = 0
        while start < len(order):
            size = max(1, self._batch_tokens // len(rows[order[start]].ids))
            batch = order[start : start + size]
            yield from zip(batch, self._forward([rows[i] for i in batch], number), strict=True)
            start += size

    def _forward(self, rows: list[Row], adapter: int | None) -> list[FloatArray]:
        longest = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), longest), self._pad, dtype=torch.int64)
        mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row.ids)] = torch.as_tensor(row.ids)
            mask[i, : row.attended] = True
        with torch.inference_mode():
            states = self._network(ids.to(self.device), mask.to(self.device), adapter)
            states = nn.functional.normalize(states.float(), dim=-1).cpu().numpy()
        return [states[i, row.kept] for i, row in enumerate(rows)]

    def _asked(self, option: str, language: str | None) -> str | None:
        """The adapter that an option fixes. Raises UsageError where there is none: it was asked for by name."""
        if language is None:
            return None
        if not self._adapters:
            raise UsageError(f"{option}={language}: the model has no language adapters", f"Leave {option} out.")
        found = adapter_for(language, self._adapters)
        if found is None:
            raise UsageError(f"{option}={language}: no adapter among {', '.join(self._adapters)}")
        return found


def lengths_of(rows: Sequence[Row]) -> NDArray[np.int64]:
    """How many vectors (n,) each row will have."""
    return np.array([len(row.kept) for row in rows], dtype=np.int64)


def _languages(adapters: tuple[str, ...]) -> tuple[str, ...] | None:
    """The languages of the adapters, in order of their names; None where there are none."""
    return tuple(sorted({name.partition("_")[0] for name in adapters})) or None

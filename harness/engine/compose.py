"""Models made of models: a fusion of rankings, and a first stage whose hits are reranked.

Neither is an encoder: they have an `info`, which carries what results are told apart by, and no vectors of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness._util import fingerprint
from harness.encoders.compose import FusionOptions, MrTydiOptions
from harness.encoders.protocols import Encoder, EncoderInfo, Reranker, Searcher
from harness.errors import HarnessError

#: The values of α that are tried on a dev split: 0, 0.1, … 2. The authors' own for Mr.TyDi lie between 0.56 and 1.
ALPHAS = tuple(step / 10 for step in range(21))

#: Part of every composed fingerprint; raised when what a fusion or a reranking computes changes.
_VERSION = 1


@dataclass(frozen=True)
class Fusion:
    """Rankings of `parts`, by label, fused by `method` under `options`. `label` names it in results."""

    info: EncoderInfo
    parts: Mapping[str, Model]
    method: str
    options: FusionOptions
    label: str

    @property
    def is_tuned(self) -> bool:
        """True where an option is chosen on the dev split."""
        return isinstance(self.options, MrTydiOptions) and self.options.alpha == "dev"


@dataclass(frozen=True)
class Reranked:
    """The first `depth` hits of `first`, reordered by `reranker`."""

    info: EncoderInfo
    first: Model
    reranker: Reranker
    depth: int


Model: TypeAlias = Encoder | Searcher | Fusion | Reranked


class PartError(HarnessError):
    """What one part of a composition did wrong; the message names the part."""


def leaves(model: Model) -> Iterator[Encoder | Searcher]:
    """The encoders and searchers of `model`, from left to right."""
    if isinstance(model, Fusion):
        for part in model.parts.values():
            yield from leaves(part)
    elif isinstance(model, Reranked):
        yield from leaves(model.first)
    else:
        yield model


def encoders(model: Model) -> list[EncoderInfo]:
    """Of everything in `model` that has vectors, the `info`, from left to right; what searches by itself needs none."""
    return [leaf.info for leaf in leaves(model) if not isinstance(leaf, Searcher)]


def needs_dev(model: Model) -> bool:
    """True where a fusion in `model` is tuned on the dev split."""
    if isinstance(model, Reranked):
        return needs_dev(model.first)
    return isinstance(model, Fusion) and (model.is_tuned or any(needs_dev(part) for part in model.parts.values()))


def fusion_info(name: str, method: str, options: FusionOptions, parts: Sequence[EncoderInfo]) -> EncoderInfo:
    """The `info` of a fusion called `name`; its fingerprint is over the method and all that decides its parts' hits."""
    facts = {"fusion": [_VERSION, method, options.model_dump(mode="json")], "parts": [_decides(part) for part in parts]}
    if isinstance(options, MrTydiOptions) and options.alpha == "dev":
        facts["grid"] = list(ALPHAS)
    return _composed(name, fingerprint.of_json(facts), parts)


def reranked_info(name: str, first: EncoderInfo, reranker: EncoderInfo, depth: int) -> EncoderInfo:
    """The `info` of `first` with its first `depth` hits reordered by `reranker`."""
    facts = {"rerank": [_VERSION, depth], "first": _decides(first), "reranker": _decides(reranker)}
    return _composed(name, fingerprint.of_json(facts), (first, reranker))


def _decides(info: EncoderInfo) -> list[object]:
    """What of a part's `info` its scores depend on: the same that the identity of a plain result holds."""
    normalized = info.normalized or info.similarity == "cosine"
    return [info.fingerprint, info.dtype, normalized, dict(info.prompts)]


def _composed(name: str, digest: str, parts: Sequence[EncoderInfo]) -> EncoderInfo:
    """No vectors, so no dimensions; cut where the first part cuts; devices and dtypes of all."""
    limits = [part.max_tokens for part in parts if part.max_tokens is not None]
    trained = [part.training_datasets for part in parts]
    return EncoderInfo(
        name=name,
        dim=0,
        fingerprint=digest,
        similarity="dot",
        normalized=False,
        max_tokens=min(limits, default=None),
        training_datasets=union(trained),
        device="+".join(dict.fromkeys(d for part in parts for d in part.device.split("+"))),
        dtype="+".join(dict.fromkeys(d for part in parts for d in part.dtype.split("+"))),
    )


def union(datasets: Sequence[Sequence[str] | None]) -> tuple[str, ...] | None:
    """Every data set once, in order; None where one of `datasets` is not known."""
    known = [names for names in datasets if names is not None]
    return tuple(dict.fromkeys(name for names in known for name in names)) if len(known) == len(datasets) else None

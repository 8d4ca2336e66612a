"""From names and options to what runs: first everything is checked, then everything is loaded.

`prepare` reads the expression, finds every name, checks every option and asks for the packages, so that a typing
mistake costs no loading; `Prepared.load` imports the plugins' code and makes the cards that results carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import __version__
from harness._util.names import file_slug
from harness.encoders import compose as grammar
from harness.encoders.compose import Expression, Fused, FusionOptions, MinMaxOptions, MrTydiOptions, Part
from harness.encoders.protocols import Encoder, Reranker, Searcher
from harness.engine.compose import Fusion, Model, Reranked, fusion_info, needs_dev, reranked_info, union
from harness.engine.plan import DEPTH, DEV
from harness.engine.record import encoder_card, portable
from harness.errors import UsageError
from harness.plugins.loading import checked_options, instantiate, validate_options
from harness.plugins.manager import CORE_DISTRIBUTION, RegisteredEncoder, Registry, default_registry
from harness.plugins.requirements import require
from harness.plugins.spec import EncoderOptions
from harness.results.schema import EncoderCard

_PROTOCOLS: Mapping[str, type] = {"encoder": Encoder, "searcher": Searcher, "reranker": Reranker}

#: What adds up rankings; the extra `fusion` of the core.
_FUSER = "ranx>=0.3.20"


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder, a searcher or a composition ready to run, with the card its results carry."""

    model: Model
    card: EncoderCard


@dataclass(frozen=True)
class Rerank:
    """Reorder the first `depth` hits of each query by `reranker`: a registered name, or an object of the protocol.

    Raises UsageError for a depth that is not between 1 and the number of passages that are retrieved, 100.
    """

    reranker: str | Reranker
    depth: int = DEPTH

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= DEPTH:
            raise UsageError(
                f"a depth of {self.depth}: {DEPTH} passages are retrieved, so 1 to {DEPTH} can be rescored"
            )


@dataclass(frozen=True)
class Prepared:
    """What `load` will load, under its label; `is_tuned` where an option is chosen on the dev split."""

    label: str
    load: Callable[[], LoadedEncoder]
    is_tuned: bool = False


@dataclass(frozen=True)
class _Checked:
    """A name with its options, found and checked."""

    part: Part
    entry: RegisteredEncoder
    options: EncoderOptions


def prepare(
    encoder: str | Model | LoadedEncoder,
    options: Mapping[str, Any] | None = None,
    *,
    rerank: str | Rerank | Reranker | None = None,
    registry: Registry | None = None,
) -> Prepared:
    """Check a name, an expression (`harness.encoders.compose`) or an object, with what reranks it.

    Options of a plain name go by their keys, all others by `label.key`. Raises UsageError for an expression that cannot
    be read, a name that is unknown or of the wrong kind, an option that is wrong, and a package that is missing.
    """
    known = registry or default_registry()
    wanted = rerank if isinstance(rerank, Rerank) or rerank is None else Rerank(rerank)
    last = grammar.reranker(wanted.reranker) if wanted and isinstance(wanted.reranker, str) else None
    if isinstance(encoder, str):
        tree = grammar.parse(encoder)
        given = grammar.assign(tree, options or {}, last)
        first = _prepared(tree, given, known)
    elif options and last is None:
        raise UsageError("options go with the name of an encoder, not with an encoder object")
    else:
        loaded = encoder if isinstance(encoder, LoadedEncoder) else _carded(encoder)
        given = grammar.assign(last, options or {}) if last else {}
        first = Prepared(file_slug(loaded.card.name), lambda: loaded, needs_dev(loaded.model))
    return _with_reranker(first, wanted, last, given, known) if wanted else first


def _with_reranker(
    first: Prepared, wanted: Rerank, last: Part | None, given: Mapping[str, Mapping[str, Any]], registry: Registry
) -> Prepared:
    """`first` with a reranker: the one that `last` names, or the object that is wanted."""
    if last is not None:
        checked = _checked(last, given[last.label], registry, ("reranker",))
        label, shown = last.label, str(last)

        def scorer() -> _Scorer:
            model = _instance(checked)
            return _Scorer(model, _card(checked, model))
    else:
        if not isinstance(wanted.reranker, Reranker):
            raise UsageError(f"{type(wanted.reranker).__name__} is no Reranker")
        loaded = _Scorer(wanted.reranker, _card_of(wanted.reranker, "reranker"))
        label = shown = loaded.card.spec

        def scorer() -> _Scorer:
            return loaded

    def load() -> LoadedEncoder:
        return _reranked(first.label, first.load(), label, shown, scorer(), wanted.depth)

    return Prepared(first.label, load, first.is_tuned)


def _prepared(tree: Expression, given: Mapping[str, Mapping[str, Any]], registry: Registry) -> Prepared:
    if isinstance(tree, Part):
        checked = _checked(tree, given[tree.label], registry, ("encoder", "searcher"))
        return Prepared(tree.label, lambda: _loaded(checked))
    require(f"{tree.method.name}(…)", _FUSER)
    options = checked_options(f"fusion {tree.label!r}", tree.method.options, given[tree.label])
    if isinstance(options, MinMaxOptions) and options.weights is not None and len(options.weights) != len(tree.parts):
        raise UsageError(f"fusion {tree.label!r}: {len(options.weights)} weights for {len(tree.parts)} parts")
    if isinstance(options, MinMaxOptions) and options.weights is not None and not any(options.weights):
        raise UsageError(f"fusion {tree.label!r}: all weights are 0, so no part would count")
    parts = [_prepared(part, given, registry) for part in tree.parts]
    tuned = isinstance(options, MrTydiOptions) and options.alpha == DEV

    def load() -> LoadedEncoder:
        return _fused(tree, options, [part.load() for part in parts])

    return Prepared(tree.label, load, tuned or any(part.is_tuned for part in parts))


def _checked(part: Part, given: Mapping[str, Any], registry: Registry, kinds: tuple[str, ...]) -> _Checked:
    if part.name in grammar.METHODS and part.name not in {entry.spec.name for entry in registry.encoders()}:
        raise UsageError(f"{part.name!r} is a method, which fuses others", f"Say which: '{part.name}(bm25, lamir)'.")
    entry = registry.encoder(part.name)
    if entry.spec.kind not in kinds:
        if entry.spec.kind == "reranker":
            raise UsageError(
                f"{part.name!r} is a reranker: it reorders what another encoder found and cannot run alone",
                f"Say what finds: --encoder NAME --rerank {part.name}.",
            )
        raise UsageError(
            f"{part.name!r} is of kind {entry.spec.kind} and no reranker", "`harness encoders` tells the kinds."
        )
    return _Checked(part, entry, validate_options(entry, given))


def _instance(checked: _Checked) -> Any:
    """What the factory makes, if it is what its declaration says."""
    entry = checked.entry
    model = instantiate(entry, checked.options)
    protocol = _PROTOCOLS[entry.spec.kind]
    if not isinstance(model, protocol):
        raise UsageError(
            f"{entry.qualified_name!r} declares kind {entry.spec.kind!r}, and what its factory returned is none: "
            f"{type(model).__name__}",
            f"It must satisfy harness.encoders.{protocol.__name__}.",
        )
    return model


def _card(checked: _Checked, model: Encoder | Searcher | Reranker) -> EncoderCard:
    spec = checked.entry.spec
    stated = (getattr(checked.options, "training_datasets", None), model.info.training_datasets, spec.training_datasets)
    return encoder_card(
        model.info,
        spec=spec.name,
        distribution=checked.entry.distribution,
        version=checked.entry.version,
        kind=spec.kind,
        options={key: portable(value) for key, value in checked.options.model_dump(mode="json").items()},
        training=next((names for names in stated if names is not None), None),  # () is an answer: on nothing
    )


def _loaded(checked: _Checked) -> LoadedEncoder:
    model = _instance(checked)
    return LoadedEncoder(model, _card(checked, model))


@dataclass(frozen=True)
class _Scorer:
    """A reranker with its card."""

    model: Reranker
    card: EncoderCard


def _carded(model: Model) -> LoadedEncoder:
    """An object that nobody registered, marked as one."""
    if not isinstance(model, (Encoder, Searcher)):
        raise UsageError(f"{type(model).__name__} is neither an Encoder nor a Searcher")
    return LoadedEncoder(model, _card_of(model, "encoder" if isinstance(model, Encoder) else "searcher"))


def _card_of(model: Encoder | Searcher | Reranker, kind: str) -> EncoderCard:
    info = model.info
    return encoder_card(
        info,
        spec=file_slug(info.name),
        distribution="(object)",
        version="",
        kind=kind,
        options={},
        training=info.training_datasets,
    )


def _fused(tree: Fused, options: FusionOptions, parts: list[LoadedEncoder]) -> LoadedEncoder:
    """A fusion of loaded `parts`, which are those of `tree`, in order."""
    shown = (
        f"{part.label}={loaded.card.name}" if part.labelled else loaded.card.name
        for part, loaded in zip(tree.parts, parts, strict=True)
    )
    labelled = {part.label: loaded for part, loaded in zip(tree.parts, parts, strict=True)}
    info = fusion_info(
        f"{tree.method.name}({', '.join(shown)})", tree.method.name, options, [part.model.info for part in parts]
    )
    model = Fusion(info, {label: part.model for label, part in labelled.items()}, tree.method.name, options, tree.label)
    own = {key: portable(value) for key, value in options.model_dump(mode="json").items()}
    cards = {label: loaded.card for label, loaded in labelled.items()}
    return LoadedEncoder(model, _composed(model, "fusion", str(tree), {tree.label: own}, cards))


def _reranked(
    label: str, first: LoadedEncoder, scorer_label: str, shown: str, scorer: _Scorer, depth: int
) -> LoadedEncoder:
    """`first` with its hits reordered; the name of the row says how deep where that is not as deep as it goes."""
    at = "" if depth == DEPTH else f"@{depth}"
    name = f"{first.card.name} > {scorer.card.name}{at}"
    info = reranked_info(name, first.model.info, scorer.model.info, depth)
    model = Reranked(info, first.model, scorer.model, depth)
    if scorer_label == label:  # two objects of one name
        scorer_label += "-reranker"
    cards = {label: first.card, scorer_label: scorer.card}
    spec = f"{first.card.spec} > {shown}{at}"
    return LoadedEncoder(model, _composed(model, "reranked", spec, {"rerank": {"depth": depth}}, cards))


def _composed(
    model: Fusion | Reranked, kind: str, spec: str, own: dict[str, Any], parts: Mapping[str, EncoderCard]
) -> EncoderCard:
    """The card of a composition: options, prompts and training data of all its parts."""
    options: dict[str, Any] = dict(own)
    prompts: dict[str, str] = {}
    for label, card in parts.items():
        if card.parts:  # a composition: its options have labels already
            options |= card.options
            prompts |= card.prompts
        else:
            options[label] = card.options
            prompts |= {f"{label}.{role}": prompt for role, prompt in card.prompts.items()}
    card = encoder_card(
        model.info,
        spec=spec,
        distribution=CORE_DISTRIBUTION,
        version=__version__,
        kind=kind,
        options=options,
        training=union([part.training_datasets for part in parts.values()]),
    )
    return card.model_copy(update={"prompts": prompts, "parts": dict(parts)})

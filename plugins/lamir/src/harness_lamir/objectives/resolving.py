"""From the objectives of a recipe to what trains: names looked up, options checked, slots tied to streams.

Everything that can be wrong with a recipe's objectives is found here, before a row is read. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness._util.names import did_you_mean
from harness.errors import HarnessError, UsageError
from harness.plugins import ObjectiveOptions, ObjectiveSpec
from harness.plugins.manager import Registry, default_registry
from harness_lamir.recipe import ObjectiveEntry, Recipe

if TYPE_CHECKING:
    from harness_lamir.objectives.base import Objective

__all__ = ["Resolved", "build", "resolve"]


@dataclass(frozen=True)
class Resolved:
    """An entry of a recipe that can train.

    Attributes:
        entry: what the recipe says.
        spec: the objective's declaration.
        options: its options, checked and with their defaults.
        streams: the name of the recipe's stream for each slot.
    """

    entry: ObjectiveEntry
    spec: ObjectiveSpec
    options: ObjectiveOptions
    streams: Mapping[str, str]


def resolve(recipe: Recipe, registry: Registry | None = None) -> list[Resolved]:
    """Return the active objectives of a recipe, in its order.

    Args:
        recipe: what to train.
        registry: where objectives are looked up; that of this process by default.

    Raises:
        UsageError: no objective is active; a name, an option, a slot or a stream is unknown or does not fit; a stream
            is of no use; hard negatives are asked for and not drawn, or drawn and not used; or all that is active
            is minimised by an encoder that gives one vector to every text.
    """
    known = default_registry() if registry is None else registry
    found = []
    for number, entry in enumerate(recipe.objectives):
        if entry.weight <= 0:
            continue
        where = f"recipe {recipe.name}: objectives.{number} ({entry.use})"
        spec = _spec(entry, known, where)
        options = _options(entry, spec, where)
        found.append(Resolved(entry, spec, options, _streams(entry, spec, recipe, where)))
        _check_hard_negatives(found[-1], recipe, where)
    if not found:
        raise UsageError(f"recipe {recipe.name}: no objective has a positive weight")
    _check_streams_are_used(recipe, found)
    if all(resolved.spec.collapses for resolved in found):
        names = " and ".join(dict.fromkeys(repr(resolved.spec.name) for resolved in found))
        raise UsageError(
            f"recipe {recipe.name}: {names} must not train alone: one vector for every text minimises it",
            "Give `ir`, `semantic` or another objective that tells texts apart a positive weight.",
        )
    return found


def build(resolved: Resolved) -> Objective:
    """Import an objective's factory and call it with the options.

    Raises:
        UsageError: the factory cannot be imported, raises, or returns something that is no `Objective`.
    """
    from harness_lamir.objectives.base import Objective

    name = resolved.spec.name
    try:
        objective = resolved.spec.import_factory()(resolved.options)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        raise UsageError(
            f"objective {name!r} could not be loaded: {type(error).__name__}: {text}",
            "Run again with --traceback to see where.",
        ) from error
    if not isinstance(objective, Objective):
        raise UsageError(
            f"objective {name!r}: {resolved.spec.factory} gives a {type(objective).__name__}, and no Objective",
            "Subclass harness_lamir.objectives.base.Objective.",
        )
    return objective


def _spec(entry: ObjectiveEntry, registry: Registry, where: str) -> ObjectiveSpec:
    """Return the declaration that an entry names."""
    try:
        return registry.objective(entry.use).spec
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error


def _options(entry: ObjectiveEntry, spec: ObjectiveSpec, where: str) -> ObjectiveOptions:
    """Return an entry's options, checked."""
    fields = spec.options.model_fields
    for key in entry.options:
        if key not in fields:
            raise UsageError(
                f"{where}: there is no option {key!r}", did_you_mean(key, [*fields, *type(entry).model_fields])
            )
    try:
        return spec.options.model_validate(entry.options)
    except ValidationError as error:
        raise UsageError(f"{where}: " + "; ".join(_rule(rule, fields) for rule in error.errors())) from error


def _rule(rule: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return one broken rule in words."""
    if not rule["loc"]:
        return str(rule["msg"])
    key = str(rule["loc"][0])
    field = fields.get(key)
    about = f" ({field.description})" if field is not None and field.description else ""
    got = "" if rule["type"] == "missing" else f", got {rule['input']!r}"
    return f"option {key}{about}: {rule['msg']}{got}"


def _streams(entry: ObjectiveEntry, spec: ObjectiveSpec, recipe: Recipe, where: str) -> dict[str, str]:
    """Return the stream of each slot of an objective, in the order of its slots."""
    slots = ", ".join(f"{slot} ({kind})" for slot, kind in spec.slots.items())
    given = dict(entry.streams)
    if entry.stream is not None:
        if given or len(spec.slots) > 1:
            raise UsageError(f"{where}: `stream` is for one slot alone", f"Use `streams`, with the slots {slots}.")
        given = {next(iter(spec.slots)): entry.stream}
    for slot in given:
        if slot not in spec.slots:
            raise UsageError(f"{where}: there is no slot {slot!r}", did_you_mean(slot, spec.slots))
    if missing := [slot for slot in spec.slots if slot not in given]:
        key = "`stream: NAME`" if len(spec.slots) == 1 else "`streams`, one for each slot"
        raise UsageError(f"{where}: no stream for {', '.join(missing)}", f"Give {key}; its slots: {slots}.")
    for slot, kind in spec.slots.items():
        name = given[slot]
        if name not in recipe.streams:
            raise UsageError(f"{where}: there is no stream {name!r}", did_you_mean(name, recipe.streams))
        if recipe.streams[name].kind != kind:
            fitting = [other for other, stream in recipe.streams.items() if stream.kind == kind]
            raise UsageError(
                f"{where}: slot {slot!r} takes rows of kind {kind}, and stream {name!r} is of kind "
                f"{recipe.streams[name].kind}",
                f"Streams of kind {kind}: {', '.join(fitting)}." if fitting else f"The recipe has none of kind {kind}.",
            )
    return {slot: given[slot] for slot in spec.slots}


def _check_hard_negatives(resolved: Resolved, recipe: Recipe, where: str) -> None:
    """Refuse an objective that wants more hard negatives than its stream draws, or none of those it draws."""
    wanted = getattr(resolved.options, "hard_negatives", None)
    for slot, kind in resolved.spec.slots.items():
        if kind != "ir" or wanted is None:
            continue
        name = resolved.streams[slot]
        drawn = recipe.streams[name].hard_negatives
        if wanted > drawn:
            raise UsageError(
                f"{where}: option hard_negatives is {wanted}, and stream {name!r} draws {drawn}",
                f"Set `hard_negatives: {wanted}` in the stream.",
            )


def _check_streams_are_used(recipe: Recipe, found: Sequence[Resolved]) -> None:
    """Refuse streams that no entry names (one that is switched off counts), and hard negatives nobody reads."""
    named = {name for entry in recipe.objectives for name in (entry.stream, *entry.streams.values())}
    if unused := [name for name in recipe.streams if name not in named]:
        raise UsageError(
            f"recipe {recipe.name}: no objective draws from {', '.join(map(repr, unused))}",
            "Name the stream in an objective, or leave it out.",
        )
    for name, stream in recipe.streams.items():
        readers = [resolved for resolved in found if name in resolved.streams.values()]
        if stream.hard_negatives and readers and not any(_reads_hard_negatives(reader) for reader in readers):
            raise UsageError(
                f"recipe {recipe.name}: stream {name!r} draws {stream.hard_negatives} hard negatives, and no objective "
                "uses them",
                "Set `hard_negatives: 0` in the stream.",
            )


def _reads_hard_negatives(resolved: Resolved) -> bool:
    """Whether an objective uses hard negatives: unless it has the option and says 0, it may."""
    return getattr(resolved.options, "hard_negatives", None) != 0

"""Changes that the command line makes to a recipe: `--set key.path=value` and its short forms.

Imports no torch. A path goes through mappings by key, and through lists by number or, among objectives, by name:

    optimizer.learning_rate=1e-5    streams.pairs.batch_size=64    objectives.semantic.temperature=0.02
    evaluation.every=500            backbone={kind: tokens, dim: 128}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.backbones.settings import BackboneSettings
from harness_lamir.recipe import Evaluation, Recipe, parse_recipe

__all__ = ["Change", "changed", "parse_change", "parse_number"]

#: A path and the value that is put there.
Change = tuple[str, Any]

#: Mappings whose keys are the user's own, and may be new.
_OPEN = ("streams", "prompts", "adapters")


def parse_change(text: str) -> Change:
    """Read `key.path=value`, the value as YAML; raises UsageError for anything else."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"--set {text}: does not read key.path=value")
    try:
        return path.strip(), _scalar(yaml.safe_load(value))
    except yaml.YAMLError as error:
        raise UsageError(f"--set {text}: the value is not YAML ({' '.join(str(error).split())})") from error


def parse_number(text: str, flag: str, what: type[float] | type[int]) -> tuple[str, float]:
    """Read `NAME=NUMBER`; raises UsageError for anything else."""
    name, equals, value = text.partition("=")
    try:
        if not equals or not name.strip():
            raise ValueError
        return name.strip(), what(value)
    except ValueError:
        raise UsageError(f"{flag} {text}: does not read NAME={'N' if what is int else 'NUMBER'}") from None


def changed(recipe: Recipe, changes: Iterable[Change], where: str) -> Recipe:
    """Return the recipe with the changes made, in their order, and checked again.

    Raises:
        UsageError: a path leads nowhere (with the nearest key), or a value breaks a rule.
    """
    content = recipe.model_dump(mode="json")
    for path, value in changes:
        _put(content, path.split("."), _completed(value) if path == "backbone" else value, path)
    return parse_recipe(content, where)


def _completed(backbone: Any) -> Any:
    """A backbone of another kind with its defaults, so that later changes find its keys; a wrong one as it is."""
    try:
        settings: TypeAdapter[Any] = TypeAdapter(BackboneSettings)
        return settings.validate_python(backbone).model_dump(mode="json")
    except ValidationError:
        return backbone


def _put(node: Any, keys: Sequence[str], value: Any, path: str) -> None:
    """Put a value below a node."""
    key, rest = keys[0], keys[1:]
    if isinstance(node, list):
        for position in _positions(node, key, path):
            if rest:
                _put(node[position], rest, value, path)
            else:
                node[position] = value
        return
    if not isinstance(node, dict):
        raise UsageError(f"--set {path}: there is nothing below {'.'.join(path.split('.')[: -len(keys)])}")
    parents = path.split(".")[: -len(keys)]
    objective = len(parents) == 2 and parents[0] == "objectives"  # further keys are its own options, checked later
    open_ended = bool(parents) and parents[-1] in _OPEN
    if key not in node and not objective and not (open_ended and not rest):
        raise UsageError(f"--set {path}: the recipe has no {'.'.join([*parents, key])}", did_you_mean(key, node))
    if not rest:
        node[key] = value
        return
    if node.get(key) is None:
        node[key] = _blank([*parents, key], rest[0], path)
    _put(node[key], rest, value, path)


def _blank(place: list[str], wanted: str, path: str) -> dict[str, Any]:
    """The mapping that takes the place of a setting that is off."""
    if place != ["evaluation"]:
        raise UsageError(f"--set {path}: there is nothing below {'.'.join(place)}")
    if wanted not in Evaluation.model_fields:
        raise UsageError(
            f"--set {path}: the recipe has no {'.'.join([*place, wanted])}",
            did_you_mean(wanted, Evaluation.model_fields),
        )
    fields = Evaluation.model_fields.items()
    return {name: None if field.is_required() else field.get_default() for name, field in fields}


def _positions(node: Sequence[Any], key: str, path: str) -> list[int]:
    """The elements of a list that a key means: by number, or all objectives (sources) of that name."""
    if key.isdecimal():
        if int(key) >= len(node):
            raise UsageError(f"--set {path}: there are {len(node)} elements, counted from 0")
        return [int(key)]
    names = [_name(element) for element in node]
    found = [position for position, name in enumerate(names) if name == key]
    if not found:
        raise UsageError(f"--set {path}: nothing is called {key!r}", did_you_mean(key, [n for n in names if n]))
    return found


def _name(element: Any) -> str | None:
    if not isinstance(element, Mapping):
        return None
    return element.get("use") or element.get("name")


def _scalar(value: Any) -> Any:
    """YAML 1.1 reads 1e-5 as a string, for want of a point; people mean the number."""
    if isinstance(value, str):
        try:
            return float(value) if value.strip().lower() not in ("nan", "inf", "infinity") else value
        except ValueError:
            return value
    return value

"""Other values for an encoder's options, derived from the schema alone."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from harness.plugins.spec import EncoderOptions

#: Numbers tried where an option has none yet: a length, a size, a count.
_COUNTS = (16, 2, 1)
_SHARES = (0.5, 0.25, 1.5)


def alternatives(model: type[EncoderOptions], given: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
    """Option → groups of other values. One value of each group is wanted, the first that can be had.

    A boolean gives its opposite, a `Literal` or an enumeration each other member (a group each), a number one near by
    within its bounds (one group). Free text gives nothing: what would be a sensible prompt, or another model, cannot
    be told from a schema. An option that is declared to change no answer, with `json_schema_extra={"changes_answers":
    False}`, gives nothing either: one request a minute would be waited for. Raises pydantic.ValidationError when
    `given` itself is refused.
    """
    current = model(**given)
    found: dict[str, list[list[Any]]] = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("changes_answers") is False:
            continue
        value = getattr(current, name)
        groups = [
            [other for other in dict.fromkeys(group) if _differs(other, value) and _valid(model, given, name, other)]
            for group in _groups(field.annotation, value)
        ]
        if kept := [group for group in groups if group]:
            found[name] = kept
    return found


def _groups(annotation: Any, value: Any) -> Iterator[list[Any]]:
    """Groups of candidates for one annotation; `value` is the present one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _groups(get_args(annotation)[0], value)
    elif origin is Literal:
        yield from ([member] for member in get_args(annotation))
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _groups(part, value)
    elif annotation is bool:
        yield [not value] if value is not None else [True]
    elif annotation is int:
        known = isinstance(value, int)
        yield [value + 1, value - 1, value * 2, value // 2] if known else list(_COUNTS)
    elif annotation is float:
        known = isinstance(value, (int, float))
        yield [value * 1.5 + 0.1, value * 0.5, value + 0.1, value - 0.1] if known else list(_SHARES)
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from ([member] for member in annotation)


def _differs(other: Any, value: Any) -> bool:
    return type(other) is not type(value) or bool(other != value)


def _valid(model: type[EncoderOptions], given: Mapping[str, Any], name: str, value: Any) -> bool:
    try:
        model(**{**given, name: value})
    except ValidationError:
        return False
    return True

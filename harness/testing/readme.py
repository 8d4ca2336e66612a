"""What a README says of a plugin, rendered from its declaration, so that a test keeps the two together."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

from harness.plugins import EncoderOptions


def options_table(options: type[EncoderOptions]) -> str:
    """The options as a Markdown table, a row each, in order: name, default as it is typed, description.

    An option that has to be given is "required", one that is None unless it is given "none"; where few values are
    allowed (`typing.Literal`), the description ends with them. For an author's own tests:

    assert options_table(MyOptions) in README.read_text("utf-8")
    """
    rows = ["| option | default | meaning |", "| --- | --- | --- |"]
    for name, field in options.model_fields.items():
        default = "required" if field.is_required() else _typed(field.get_default(call_default_factory=True))
        choices = ", ".join(f"`{value}`" for value in _choices(field.annotation))
        meaning = f"{field.description or ''} ({choices})" if choices else field.description or ""
        rows.append(f"| `{name}` | {default} | {' '.join(meaning.split()).replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def _typed(value: Any) -> str:
    """A default as one would write it behind `-o name=`."""
    if value is None:
        return "none"
    if isinstance(value, bool | dict | list | tuple) or value == "":
        return f"`{json.dumps(value, ensure_ascii=False)}`"
    return f"`{value}`"


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal, or of the Literals in a union."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) if get_origin(part) is Literal for value in get_args(part))

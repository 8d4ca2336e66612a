"""From a registered encoder and `key=value` options to the loaded object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from harness._util.names import did_you_mean
from harness.errors import HarnessError, UsageError
from harness.plugins.manager import RegisteredEncoder
from harness.plugins.spec import EncoderOptions

_Options = TypeVar("_Options", bound=EncoderOptions)

#: `{title} {text}` is a template, and JSON never looks like that: its keys are in quotes.
_JSON = re.compile(r"\[|\{(?!\w+\})")


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` strings as a mapping. A value that starts with [ or { is read as JSON,
    unless it starts like a template: {text}.

    Raises UsageError for a string without `=`, broken JSON, or a key given twice.
    """
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"option {assignment!r} does not read key=value")
        if key in options:
            raise UsageError(f"option {key!r} is given twice")
        try:
            options[key] = json.loads(value) if _JSON.match(value) else value
        except json.JSONDecodeError as error:
            raise UsageError(f"option {key!r} is not valid JSON: {error}") from error
    return options


def validate_options(entry: RegisteredEncoder, given: Mapping[str, Any]) -> EncoderOptions:
    """`given` checked against the encoder's schema. Raises UsageError that names every option at fault."""
    return checked_options(f"encoder {entry.spec.name!r}", entry.spec.options, given)


def checked_options(owner: str, model: type[_Options], given: Mapping[str, Any]) -> _Options:
    """`given` checked against `model`. Raises UsageError that names `owner` and every option at fault."""
    for key in given:
        if key not in model.model_fields:
            known = list(model.model_fields)
            hint = did_you_mean(key, known) if known else "It takes no options."
            raise UsageError(f"{owner} has no option {key!r}", hint)
    try:
        return model(**given)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = str(problem["loc"][0]) if problem["loc"] else "options"
            field = model.model_fields.get(key)
            about = f" ({field.description})" if field is not None and field.description else ""
            lines.append(f"option {key}{about}: {problem['msg']}, got {problem.get('input')!r}")
        raise UsageError(f"{owner}: " + "; ".join(lines)) from error


def instantiate(entry: RegisteredEncoder, options: EncoderOptions) -> Any:
    """Import the factory and call it. Whatever third-party code throws becomes a UsageError that names the plugin."""
    try:
        return entry.spec.import_factory()(options)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        raise UsageError(
            f"encoder {entry.qualified_name!r} ({entry.version}) could not be loaded: {type(error).__name__}: {text}",
            "Run again with --traceback to see where.",
        ) from error

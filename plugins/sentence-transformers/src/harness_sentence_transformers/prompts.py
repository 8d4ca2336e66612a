"""The text that goes before queries and before passages: the user's, a prompt of the model by name, or its own."""

from __future__ import annotations

from collections.abc import Mapping

from harness._util.names import did_you_mean
from harness.encoders.protocols import Role
from harness.errors import UsageError

#: Names under which models of the library keep the prompt of each role, in the order the library looks for them.
_NAMES: dict[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}


def choose_prompt(own: Mapping[str, str], role: Role, text: str | None, name: str | None) -> str:
    """The prompt of `role`: `text` if there is one, else the model's prompt `name`, else the model's own, else "".

    `own` are the model's prompts by name. The first of a role's names that is not empty counts: the library fills in
    an empty "document", and with it forgets the "passage" of models that were saved by older versions. A model's
    `default_prompt_name` is left alone, as it is in the library's `encode_query` and `encode_document`.

    Raises UsageError when both `text` and `name` are given, or the model has no such prompt.
    """
    if text is not None and name is not None:
        raise UsageError(
            f"{role}_prompt and {role}_prompt_name are both given", "The first is a text, the other a name."
        )
    if text is not None:
        return text
    if name is None:
        return next((own[known] for known in _NAMES[role] if own.get(known)), "")
    if name not in own:
        hint = did_you_mean(name, list(own)) if own else "The model has no prompts."
        raise UsageError(f"{role}_prompt_name={name}: the model has no such prompt", hint)
    return own[name]

"""What a plugin declares: frozen descriptions with a lazy reference to the code behind them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["encoder", "searcher", "reranker"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class EncoderOptions(BaseModel):
    """Base of an encoder's options: a frozen pydantic model that refuses unknown keys.

    Each field becomes a `-o name=value` of the command line; its description is shown in help and in errors.

    The conformance kit tries other values of an option, to see that the fingerprint knows each that changes an answer.
    `Field(…, json_schema_extra={"changes_answers": False})` keeps it from trying those of an option that decides how
    long a run takes and nothing else, such as a limit on requests per minute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


#: The option `training_datasets` of an encoder that loads whatever model it is told to, whose training nobody but the
#: user knows: `training_datasets: TrainingDatasets = None`. Boards take what is given over what model and plugin say.
TrainingDatasets: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...] | None,
    Field(
        description='what the model was trained on, as a JSON list ("[]": nothing); for boards, changes no score',
        json_schema_extra={"changes_answers": False},
    ),
]


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """One encoder that a plugin offers.

    Raises ValueError for a malformed name or factory reference, so that a bad declaration is reported as the plugin's
    failure and not as a crash at first use.
    """

    name: str
    """What a user types: lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit."""
    factory: str
    """`"package.module:attribute"`, imported on use and called with an instance of `options`; what it returns satisfies
    the protocol of `kind` (`harness.encoders.protocols`)."""
    summary: str
    """One line for lists."""
    options: type[EncoderOptions] = EncoderOptions
    """The pydantic model of its options."""
    kind: Kind = "encoder"
    """What the factory returns: an encoder (vectors), a searcher (owns its matching) or a reranker (scores pairs)."""
    languages: tuple[str, ...] | None = None
    """BCP 47 tags the author claims; None for "any"."""
    training_datasets: tuple[str, ...] | None = None
    """What the weights were trained on, `()` for nothing and None for "unknown": boards use it to tell zero-shot rows
    from others."""
    needs: tuple[str, ...] = ()
    """In a few words each, what a user must bring besides the packages and the required options: "an HTTP endpoint",
    "a GPU"."""
    expected_failures: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The id of a conformance check that this encoder cannot pass, and the reason why; a check that passes against
    expectation is a failure."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_reference(self.factory, "factory")
        if isinstance(cast(object, self.needs), str) or not all(
            isinstance(need, str) and need.strip() for need in self.needs
        ):
            raise ValueError(f"encoder {self.name!r}: needs must be a tuple of phrases, not {self.needs!r}")
        if not isinstance(self.expected_failures, Mapping) or not all(
            isinstance(reason, str) and reason.strip() for reason in self.expected_failures.values()
        ):
            raise ValueError(f"encoder {self.name!r}: expected_failures must give a reason for each check it names")
        object.__setattr__(self, "expected_failures", MappingProxyType(dict(self.expected_failures)))
        if not (isinstance(self.options, type) and issubclass(self.options, EncoderOptions)):
            raise ValueError(f"encoder {self.name!r}: options must be a subclass of harness.plugins.EncoderOptions")
        if self.kind not in ("encoder", "searcher", "reranker"):
            raise ValueError(f"encoder {self.name!r}: kind {self.kind!r} is none of encoder, searcher, reranker")

    def import_factory(self) -> Any:
        """Import and return the factory. Raises ImportError or AttributeError when the reference is wrong."""
        return import_reference(self.factory)


@dataclass(frozen=True, slots=True)
class TrainerSpec:
    """One trainer that a plugin offers.

    Raises ValueError for a malformed name or command reference.
    """

    name: str
    """The word after `harness train`; spelt as an encoder's name."""
    command: str
    """`"package.module:attribute"`, a click command, imported when the verb is used."""
    summary: str
    """One line for `harness train --help`."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_reference(self.command, "command")


class ObjectiveOptions(BaseModel):
    """Base of an objective's options: a frozen pydantic model that refuses unknown keys.

    Each field becomes a key beside `use` in the recipe's entry; its description is shown in errors and on the
    reference page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


@dataclass(frozen=True, slots=True)
class ObjectiveSpec:
    """One training objective that a plugin offers to a trainer: a loss, and the rows it is computed on.

    Raises ValueError for a malformed name, reference, slot or options class, so that a bad declaration is reported as
    the plugin's failure and not as a crash at first use.
    """

    name: str
    """What a recipe writes after `use`; spelt as an encoder's name."""
    factory: str
    """`"package.module:attribute"`, imported on use and called with an instance of `options`; what it returns is the
    trainer's business (`harness_lamir.objectives.base.Objective`)."""
    summary: str
    """One line for lists."""
    options: type[ObjectiveOptions]
    """The pydantic model of its options."""
    slots: Mapping[str, str] = field(hash=False)
    """What it reads: the name of each input, and the kind of rows that may be put there in the trainer's own words."""
    collapses: bool = False
    """True for an objective that an encoder giving one vector to every text minimises too: it must not train without
    one that forbids this."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_reference(self.factory, "factory")
        if not (isinstance(self.options, type) and issubclass(self.options, ObjectiveOptions)):
            raise ValueError(f"objective {self.name!r}: options must be a subclass of harness.plugins.ObjectiveOptions")
        if not isinstance(self.slots, Mapping) or not self.slots:
            raise ValueError(f"objective {self.name!r}: slots must name at least one input and the kind of its rows")
        for part in (*self.slots, *self.slots.values()):
            _check_name(part)
        object.__setattr__(self, "slots", MappingProxyType(dict(self.slots)))

    def import_factory(self) -> Any:
        """Import and return the factory. Raises ImportError or AttributeError when the reference is wrong."""
        return import_reference(self.factory)


def import_reference(reference: str) -> Any:
    """Import `"package.module:attribute.path"` and return the attribute."""
    module, _, path = reference.partition(":")
    target: Any = importlib.import_module(module)
    for attribute in path.split("."):
        target = getattr(target, attribute)
    return target


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"name {name!r} must be lower-case letters, digits, '.', '_' or '-', and start with one of the first two"
        )


def _check_reference(reference: str, field: str) -> None:
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise ValueError(f"{field} {reference!r} must read 'package.module:attribute'")

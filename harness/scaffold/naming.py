"""One name that a person types, and all names that follow from it: distribution, package, classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from harness.errors import UsageError
from harness.plugins.catalogue import first_party
from harness.plugins.manager import Registry
from harness.plugins.spec import EncoderSpec, Kind

#: What distributions of this ecosystem begin with.
PREFIX = "harness-"
#: A name is a column of every board, and lines of code that hold it twice stay below 120 characters.
LONGEST = 32

#: What the class of each kind is called, and the method that an author writes first.
ROLES: Mapping[Kind, str] = {"encoder": "Encoder", "searcher": "Searcher", "reranker": "Reranker"}

_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True)
class Names:
    """Everything that is called after the plugin.

    `name` is what `--encoder` takes ("my-model"), `distribution` what pip takes ("harness-my-model"), `package` what
    Python imports ("harness_my_model"), `slug` its last part ("my_model"), `module` the module with the code
    ("encoder"), `model` and `options` its classes ("MyModelEncoder", "MyModelOptions").
    """

    name: str
    kind: Kind
    distribution: str
    package: str
    slug: str
    module: str
    model: str
    options: str


def names_of(name: str, kind: Kind = "encoder") -> Names:
    """The names that follow from `name`. Raises UsageError for one that no plugin can have, with one that it could."""
    try:
        EncoderSpec(name=name, factory="package.module:attribute", summary="", kind=kind)
    except ValueError as error:
        raise UsageError(str(error), _suggestion(name)) from None
    if not name[-1].isalnum():
        raise UsageError(f"name {name!r} must end in a letter or digit, as distributions must", _suggestion(name))
    if len(name) > LONGEST:
        raise UsageError(f"name {name!r} has {len(name)} characters", f"Choose one of at most {LONGEST}.")
    slug = _SEPARATORS.sub("_", name)
    if slug.startswith("harness_"):
        raise UsageError(
            f"name {name!r} has the prefix that its distribution gets", _suggestion(name.removeprefix("harness"))
        )
    stem = "".join(part[:1].upper() + part[1:] for part in slug.split("_"))
    if not stem[0].isalpha():
        stem = f"Model{stem}"
    if stem in ROLES.values():  # EncoderOptions is the base class of options
        stem = f"My{stem}"
    return Names(
        name=name,
        kind=kind,
        distribution=PREFIX + _SEPARATORS.sub("-", name),
        package=f"harness_{slug}",
        slug=slug,
        module=kind,
        model=stem if stem.endswith(ROLES[kind]) else f"{stem}{ROLES[kind]}",
        options=f"{stem}Options",
    )


def check_free(names: Names, registry: Registry) -> None:
    """Raise UsageError when an encoder, a distribution, a package or a fusion has one of `names` already.

    Two plugins of one name can live together (`distribution:name`), so this is no rule of the harness: it keeps an
    author from finding out late.
    """
    from harness.encoders.compose import METHODS

    if names.name in (*METHODS, "rerank"):
        raise UsageError(f'{names.name!r} is a word of `--encoder "rrf(one, other)"` and `--rerank`', _other(names))
    for listed in sorted(first_party(), key=lambda listed: not _same(listed.name, names.name)):  # its own name first
        if _same(listed.name, names.name) or listed.distribution == names.distribution:
            raise UsageError(
                f"{names.name!r} would be taken for the {listed.kind} {listed.name!r} of this project",
                f"To have that one: {listed.command}. {_other(names)}",
            )
    taken = [entry for entry in registry.encoders() if _same(entry.spec.name, names.name)]
    if taken:
        owners = " and ".join(f"{entry.distribution} {entry.version}" for entry in taken)
        raise UsageError(
            f"{names.name!r} would be taken for the {taken[0].spec.kind} {taken[0].spec.name!r} of {owners}",
            _other(names),
        )
    try:
        version = metadata.version(names.distribution)
    except metadata.PackageNotFoundError:
        pass
    else:
        raise UsageError(f"the distribution {names.distribution} {version} is installed already", _other(names))
    if find_spec(names.package) is not None:
        raise UsageError(f"there is an importable package {names.package!r} already", _other(names))


def _same(one: str, other: str) -> bool:
    return _SEPARATORS.sub("-", one) == _SEPARATORS.sub("-", other)


def _other(names: Names) -> str:
    return f"Choose another name, such as {('my-' + names.name)[:LONGEST]!r}."


def _suggestion(name: str) -> str | None:
    """A sentence with the nearest name that could be had."""
    near = re.sub(r"[^a-z0-9._-]+", "-", name.casefold()).strip("._-")[:LONGEST].rstrip("._-")
    return f"{near!r} would do." if near else "Such as 'my-model'."

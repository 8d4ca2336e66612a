"""Discovery: every entry point is loaded by itself, and what goes wrong with one is a report about that one.

Each plugin gets a pluggy manager of its own. pluggy's shared manager is made for plugins that trust each other: its
`load_setuptools_entrypoints` stops at the first import that raises, and silently drops a second distribution with the
same entry point name; a `register()` that fails leaves the plugin half registered; a misspelt hook passes unless
`check_pending()` is called; and one raising implementation aborts the call for everyone. A plugin that is alone in its
manager can do none of this to another.
"""

from __future__ import annotations

import contextlib
import reprlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.plugins import API_VERSION, ENTRY_POINT_GROUP, OLDEST_API_VERSION, hookspecs
from harness.plugins.spec import EncoderSpec, ObjectiveSpec, TrainerSpec

#: The core's own plugin modules, registered without entry points so that they work from any checkout.
BUILTIN_MODULES = ("harness.encoders.builtin",)
CORE_DISTRIBUTION = "lamir-harness"


@dataclass(frozen=True)
class PluginFailure:
    """A plugin that could not be used: who, at which stage, why, and the traceback for those who ask."""

    name: str
    distribution: str
    version: str
    stage: str
    error: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version} was skipped ({self.stage}): {self.error}"


@dataclass(frozen=True)
class Plugin:
    """A plugin that loaded, with what it declares; `api` is the version of the plugin API it was written for."""

    name: str
    distribution: str
    version: str
    api: int = API_VERSION
    encoders: tuple[EncoderSpec, ...] = ()
    trainers: tuple[TrainerSpec, ...] = ()
    objectives: tuple[ObjectiveSpec, ...] = ()

    @property
    def notice(self) -> str | None:
        """The sentence for a plugin of a version that will go; None for one of the present version."""
        if self.api >= API_VERSION:
            return None
        return (
            f"plugin {self.name!r} of {self.distribution} {self.version} is written for version {self.api} of the "
            f"plugin API, which is deprecated (this harness has version {API_VERSION}); look for a newer release of it"
        )


@dataclass(frozen=True)
class RegisteredEncoder:
    """An encoder specification together with the distribution that declares it."""

    spec: EncoderSpec
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        """`distribution:name`, which stays unique when two distributions choose one name."""
        return f"{self.distribution}:{self.spec.name}"


@dataclass(frozen=True)
class RegisteredObjective:
    """An objective's specification together with the distribution that declares it."""

    spec: ObjectiveSpec
    distribution: str
    version: str

    @property
    def qualified_name(self) -> str:
        """`distribution:name`, which stays unique when two distributions choose one name."""
        return f"{self.distribution}:{self.spec.name}"


_Entry = TypeVar("_Entry", RegisteredEncoder, RegisteredObjective)


@dataclass(frozen=True)
class Registry:
    """Everything that was found: the plugins that work and the failures of those that do not."""

    plugins: tuple[Plugin, ...] = ()
    failures: tuple[PluginFailure, ...] = ()
    _encoders: dict[str, list[RegisteredEncoder]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _objectives: dict[str, list[RegisteredObjective]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for plugin in self.plugins:
            for spec in plugin.encoders:
                entry = RegisteredEncoder(spec, plugin.distribution, plugin.version)
                self._encoders.setdefault(spec.name, []).append(entry)
            for objective in plugin.objectives:
                registered = RegisteredObjective(objective, plugin.distribution, plugin.version)
                self._objectives.setdefault(objective.name, []).append(registered)

    def notices(self) -> list[str]:
        """A sentence for each plugin that works and will not for ever."""
        return [plugin.notice for plugin in self.plugins if plugin.notice is not None]

    def encoders(self) -> list[RegisteredEncoder]:
        """All encoders, by name and then distribution."""
        entries = (entry for group in self._encoders.values() for entry in group)
        return sorted(entries, key=lambda e: (e.spec.name, e.distribution))

    def conflicts(self) -> dict[str, list[RegisteredEncoder]]:
        """Encoder names that more than one distribution claims."""
        return {name: group for name, group in sorted(self._encoders.items()) if len(group) > 1}

    def encoder(self, name: str) -> RegisteredEncoder:
        """The encoder called `name`, or `distribution:name`.

        Raises UsageError when the name is unknown (with suggestions, and with the failure of the plugin that may have
        held it) or claimed by two distributions (naming both).
        """
        return self._find(
            "encoder", name, self._encoders, "`harness encoders` lists what is installed.", _offered(name)
        )

    def objectives(self) -> dict[str, ObjectiveSpec]:
        """Objectives by name; those that more than one distribution claims, by `distribution:name`."""
        found = {}
        for name, group in sorted(self._objectives.items()):
            for entry in group:
                found[name if len(group) == 1 else entry.qualified_name] = entry.spec
        return found

    def objective_conflicts(self) -> dict[str, list[RegisteredObjective]]:
        """Objective names that more than one distribution claims."""
        return {name: group for name, group in sorted(self._objectives.items()) if len(group) > 1}

    def objective(self, name: str) -> RegisteredObjective:
        """The objective called `name`, or `distribution:name`. Raises UsageError as `encoder` does."""
        return self._find("objective", name, self._objectives, "`harness plugins` lists what is installed.")

    def trainers(self) -> dict[str, TrainerSpec]:
        """Trainers by name; of two with one name the first distribution in alphabetical order is kept."""
        found: dict[str, TrainerSpec] = {}
        for plugin in self.plugins:
            for spec in plugin.trainers:
                found.setdefault(spec.name, spec)
        return found

    def _find(
        self, what: str, name: str, known: Mapping[str, list[_Entry]], otherwise: str, offered: str | None = None
    ) -> _Entry:
        """The one entry called `name`, qualified or not.

        For the error: `what` it is, the last resort, and what is better than any suggestion.
        """
        distribution, colon, bare = name.rpartition(":")
        group = known.get(bare, [])
        if colon:
            group = [entry for entry in group if entry.distribution == _normalise(distribution)]
        if len(group) == 1:
            return group[0]
        if group:
            choices = " or ".join(entry.qualified_name for entry in group)
            owners = " and ".join(entry.distribution for entry in group)
            raise UsageError(f"{what} {name!r} is declared by {owners}", f"Ask for {choices}.")
        names = list(known)
        if colon:
            names += [entry.qualified_name for entries in known.values() for entry in entries]
        lines = [offered or did_you_mean(name, names) or otherwise, *(f"Note: {failure}." for failure in self.failures)]
        raise UsageError(f"there is no {what} {name!r}", "\n  ".join(lines))


def _offered(name: str) -> str | None:
    """How to get the encoder called `name`, where a plugin of this project has it."""
    from harness.plugins.catalogue import first_party

    distribution, _, bare = name.rpartition(":")
    for listed in first_party():
        if listed.name == bare and distribution in ("", listed.distribution):
            return f"A plugin of this project has it: {listed.command}"
    return None


def discover(distributions: Iterable[metadata.Distribution] | None = None, *, third_party: bool = True) -> Registry:
    """Load the core's plugins and, unless `third_party` is false, every entry point of the installed distributions.

    Never raises for what a plugin does. `distributions` is what `importlib.metadata.distributions()` gives when None.
    """
    plugins: list[Plugin] = []
    failures: list[PluginFailure] = []
    for module in BUILTIN_MODULES:
        plugins.append(_inspect(import_module(module), "builtin", CORE_DISTRIBUTION, _core_version(), API_VERSION))
    if third_party:
        for distribution, version, entry in _entry_points(distributions):
            try:
                with _quiet_stdout():
                    loaded = _load(entry)
                    api = _api_version(loaded, distribution)
                    plugins.append(_inspect(loaded, entry.name, distribution, version, api))
            except _Rejected as rejection:
                failures.append(rejection.failure(entry.name, distribution, version))
    return Registry(tuple(plugins), tuple(failures))


@lru_cache(maxsize=2)
def default_registry(*, third_party: bool = True) -> Registry:
    """The registry of this process, discovered once."""
    return discover(third_party=third_party)


class _Rejected(Exception):
    """A plugin that must not be used; carries what its `PluginFailure` will say."""

    def __init__(self, stage: str, error: str, cause: BaseException | None = None) -> None:
        super().__init__(error)
        self.stage = stage
        self.error = error
        self.cause = cause

    def failure(self, name: str, distribution: str, version: str) -> PluginFailure:
        trace = "".join(traceback.format_exception(self.cause)) if self.cause else ""
        return PluginFailure(name, distribution, version, self.stage, self.error, trace)


def _entry_points(
    distributions: Iterable[metadata.Distribution] | None,
) -> list[tuple[str, str, metadata.EntryPoint]]:
    """(distribution, version, entry point), sorted; one entry per distribution on the path, the first one winning."""
    found: dict[str, list[tuple[str, str, metadata.EntryPoint]]] = {}
    for distribution in metadata.distributions() if distributions is None else distributions:
        try:
            name = _normalise(distribution.metadata["Name"])
            if name in found:
                continue
            entries = [e for e in distribution.entry_points if e.group == ENTRY_POINT_GROUP]
            found[name] = [(name, distribution.version, entry) for entry in entries]
        except Exception:  # a damaged .dist-info of anybody's: it has no entry points that we can read
            continue
    return sorted((row for rows in found.values() for row in rows), key=lambda row: (row[0], row[2].name))


def _load(entry: metadata.EntryPoint) -> ModuleType:
    """Import the module of an entry point, whatever it throws: SystemExit at import must not end the harness."""
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:
        raise _Rejected("import", _one_line(error), error) from error
    if not isinstance(module, ModuleType):
        raise _Rejected("import", f"entry point {entry.value!r} is a {type(module).__name__}, not a module")
    return module


def _inspect(module: ModuleType, name: str, distribution: str, version: str, api: int) -> Plugin:
    """Register `module` in a manager of its own, call its hooks, and check what they return."""
    manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name)
        manager.check_pending()
    except Exception as error:
        raise _Rejected("register", _misspelt(manager, module) or _one_line(error), error) from error
    if not manager.get_hookcallers(module):
        raise _Rejected("register", "it implements no hook; mark functions with @harness.plugins.hookimpl")
    return Plugin(
        name,
        distribution,
        version,
        api,
        encoders=_collect(manager, "harness_encoders", EncoderSpec),
        trainers=_collect(manager, "harness_trainers", TrainerSpec),
        objectives=_collect(manager, "harness_objectives", ObjectiveSpec),
    )


def _api_version(module: ModuleType, distribution: str) -> int:
    """The version of the plugin API that `module` was written for; refused where this harness does not serve it."""
    found = getattr(module, "HARNESS_API", 1)
    if not isinstance(found, int) or isinstance(found, bool):
        raise _Rejected(
            "api", f"HARNESS_API is {reprlib.repr(found)}, and must be a whole number such as {API_VERSION}"
        )
    served = f"{API_VERSION}" if OLDEST_API_VERSION == API_VERSION else f"{OLDEST_API_VERSION} to {API_VERSION}"
    sentence = f"it is written for version {found} of the plugin API, and this harness takes {served}"
    if found < OLDEST_API_VERSION:
        raise _Rejected("api", f"{sentence}; upgrade the plugin: pip install --upgrade {distribution}")
    if found > API_VERSION:
        raise _Rejected("api", f"{sentence}; upgrade the harness: pip install --upgrade {CORE_DISTRIBUTION}")
    return found


def _collect(manager: pluggy.PluginManager, hook: str, kind: type[Any]) -> tuple[Any, ...]:
    """What the plugin's implementation of `hook` returns, as a tuple of `kind` with distinct names."""
    try:
        returned = [list(value) for value in getattr(manager.hook, hook)()]
    except (Exception, SystemExit) as error:
        raise _Rejected(hook, _one_line(error), error) from error
    specs = [spec for values in returned for spec in values]
    for spec in specs:
        if not isinstance(spec, kind):
            raise _Rejected(hook, f"it returned {reprlib.repr(spec)}, and {kind.__name__} is expected")
    names = [spec.name for spec in specs]
    if repeated := sorted({n for n in names if names.count(n) > 1}):
        raise _Rejected(hook, f"it declares {', '.join(map(repr, repeated))} more than once")
    return tuple(specs)


def _misspelt(manager: pluggy.PluginManager, module: ModuleType) -> str | None:
    """The sentence for an implementation whose name is no hook's, with the hook that was probably meant."""
    known = [n for n in vars(hookspecs) if n.startswith("harness_")]
    for name in vars(module):
        if name not in known and manager.parse_hookimpl_opts(module, name) is not None:
            return f"{name!r} is no hook. {did_you_mean(name, known) or ''}".strip()
    return None


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Stdout carries data alone: what a plugin prints while it loads goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _normalise(name: str) -> str:
    """A distribution name as PEP 503 compares it."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # foreign exceptions may not even have a message
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _core_version() -> str:
    from harness import __version__

    return __version__

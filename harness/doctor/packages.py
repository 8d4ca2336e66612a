"""Versions, and distributions that are in each other's way."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import harness
from harness.doctor.finding import Finding
from harness.doctor.installed import OURS, PACKAGE, SCRIPT, Damaged, Installed, repeated, survey

_GROUP = "packages"

#: Extras that a user of the harness has no need of.
_FOR_DEVELOPERS = ("dev", "docs", "test", "tests")


def findings(distributions: Sequence[metadata.Distribution], path: Sequence[str] | None = None) -> Iterator[Finding]:
    """The harness's own version and requirements, clashes, copies, damage. `path` is `sys.path` when None."""
    installed, damaged = survey(distributions)
    ours = next((found for found in installed if found.name == OURS), None)
    yield _version(ours)
    if ours is not None:
        yield from _requirements(ours, installed)
    yield _package_claims(installed)
    yield _script_claims(installed)
    yield from _copies(sys.path if path is None else path)
    for group in repeated(installed):
        if group[0].name == OURS or any(found.is_plugin for found in group):
            yield _repeated(group)
    yield from map(_damage, damaged)


def requirements(of: Installed) -> Iterator[tuple[str, str, str | None]]:
    """(name, requirement, extra or None) of what a distribution asks for on this platform, developers' extras apart."""
    from packaging.requirements import InvalidRequirement, Requirement

    extras = [
        extra for extra in of.distribution.metadata.get_all("Provides-Extra") or [] if extra not in _FOR_DEVELOPERS
    ]
    for text in of.distribution.requires or []:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        bare = f"{wanted.name}{wanted.specifier}"
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield wanted.name, bare, None
            continue
        for extra in extras:
            if wanted.marker.evaluate({"extra": extra}):
                yield wanted.name, bare, extra


def lacking(requirement: str, installed: Sequence[Installed]) -> str | None:
    """Why what is `installed` does not meet `requirement`, as half a sentence; None where it does."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = Requirement(requirement)
    found = next((one for one in installed if one.name == canonicalize_name(wanted.name)), None)
    if found is None:
        return "it is not installed"
    return None if wanted.specifier.contains(found.version, prereleases=True) else f"{found.version} is installed"


def _version(ours: Installed | None) -> Finding:
    folder = Path(harness.__file__).parent
    data = {"version": harness.__version__, "folder": str(folder), "distribution": ours.version if ours else None}
    value = f"{harness.__version__} ({folder})"
    if ours is None:
        hint = "It runs from a folder; plugins that are installed may ask for it in vain. pip install lamir-harness"
        return Finding(_GROUP, OURS, f"{value}, not installed", "warning", hint, data)
    if ours.version != harness.__version__:
        hint = "Two copies, or one that changed after it was installed: install it again."
        return Finding(_GROUP, OURS, f"{value}, while {ours.version} is installed", "warning", hint, data)
    return Finding(_GROUP, OURS, value, data=data)


def _requirements(ours: Installed, installed: Sequence[Installed]) -> Iterator[Finding]:
    """What the core needs, then what its extras add."""
    versions = {found.name: found.version for found in reversed(installed)}
    rows: dict[tuple[str, str], list[str]] = {}
    for name, requirement, extra in requirements(ours):
        rows.setdefault((name, requirement), []).extend([extra] if extra else [])
    for (name, requirement), extras in sorted(rows.items(), key=lambda row: (bool(row[1]), row[0][0].lower())):
        wrong = lacking(requirement, installed)
        version = versions.get(name.lower().replace("_", "-").replace(".", "-"))
        data = {"version": version, "requirement": requirement, "extras": extras}
        where = f" (extra {', '.join(extras)})" if extras else ""
        if wrong is None:
            yield Finding(_GROUP, name, f"{version}{where}", data=data)
        elif extras and version is None:
            hint = f'To have it: pip install "{OURS}[{extras[0]}]"'
            yield Finding(_GROUP, name, f"not installed{where}", hint=hint, data=data)
        else:
            value = f"{version or 'not installed'}, and {requirement} is needed{where}"
            hint = f'pip install "{requirement}"'
            yield Finding(_GROUP, name, value, "warning" if extras else "problem", hint, data)


def _package_claims(installed: Sequence[Installed]) -> Finding:
    others = sorted({str(found) for found in installed if found.name != OURS and found.claims_package})
    name = f"import package {PACKAGE}"
    if not others:
        return Finding(_GROUP, name, f"{OURS} alone", data={"others": []})
    return Finding(
        _GROUP,
        name,
        f"claimed by {' and '.join(others)} as well",
        "problem",
        "Each overwrites files of the other. Put them into different environments: uninstall both, then install "
        f"{OURS} again.",
        {"others": others},
    )


def _script_claims(installed: Sequence[Installed]) -> Finding:
    others = sorted({str(found) for found in installed if found.name != OURS and found.claims_script})
    name = f"script {SCRIPT}"
    if not others:
        return Finding(_GROUP, name, f"{OURS} alone", data={"others": []})
    hint = f"Whichever was installed last has it. `{OURS}` is the same command under a name that is ours."
    return Finding(_GROUP, name, f"claimed by {' and '.join(others)} as well", "warning", hint, {"others": others})


def _copies(path: Sequence[str]) -> Iterator[Finding]:
    """Other importable modules of our name: which one is imported hangs on the order of the path."""
    own = Path(harness.__file__).resolve().parent
    seen = {own}
    for entry in path:
        for place in (Path(entry or ".") / PACKAGE / "__init__.py", Path(entry or ".") / f"{PACKAGE}.py"):
            if not place.is_file():
                continue
            found = place.resolve().parent if place.name == "__init__.py" else place.resolve()
            if found not in seen:
                seen.add(found)
                hint = f"It is hidden now, and would be imported where {Path(entry or '.').absolute()} comes first."
                yield Finding(_GROUP, "another copy", str(found), "warning", hint, {"path": str(found)})


def _repeated(group: Sequence[Installed]) -> Finding:
    places = [str(found.path) for found in group]
    value = " and ".join(f"{found.version} in {found.path.parent if found.path else '?'}" for found in group)
    hint = f"The first is used. Run `pip uninstall {group[0].name}` until it says that there is none; install it again."
    return Finding(_GROUP, f"{group[0].name}, twice", value, "warning", hint, {"paths": places})


def _damage(damaged: Damaged) -> Finding:
    name = damaged.path.name if damaged.path else "a distribution"
    data = {"path": str(damaged.path) if damaged.path else None, "may_be_plugin": damaged.may_be_plugin}
    if damaged.may_be_plugin:
        hint = "What it declares is not found. Remove the folder and install the plugin again."
        return Finding(_GROUP, name, f"damaged: {damaged.reason} ({damaged.path})", "problem", hint, data)
    hint = "Of no concern to the harness; removing the folder and installing the package again mends it."
    return Finding(_GROUP, name, f"damaged: {damaged.reason} ({damaged.path})", "warning", hint, data)

"""Entry points, what failed of them, and the names that more than one distribution has chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

from harness.doctor.finding import Finding
from harness.doctor.installed import Installed, survey
from harness.doctor.packages import lacking, requirements
from harness.plugins.manager import CORE_DISTRIBUTION, Plugin, RegisteredEncoder, RegisteredObjective, Registry

_GROUP = "plugins"


def findings(registry: Registry, distributions: Sequence[metadata.Distribution]) -> Iterator[Finding]:
    """Each plugin and each failure of `registry`, then what clashes."""
    installed, _ = survey(distributions)
    by_name = {found.name: found for found in reversed(installed)}
    for plugin in registry.plugins:
        yield _plugin(plugin, by_name.get(plugin.distribution), installed)
    for failure in registry.failures:
        yield Finding(
            _GROUP,
            failure.name,
            f"{failure.distribution} {failure.version} was skipped ({failure.stage}): {failure.error}",
            "problem",
            f"`harness plugins --traceback` shows where; or pip uninstall {failure.distribution}",
            {"distribution": failure.distribution, "version": failure.version, "stage": failure.stage},
        )
    yield from _clashes("encoder", registry.conflicts())
    yield from _clashes("objective", registry.objective_conflicts())
    yield from _trainer_clashes(registry)


def _plugin(plugin: Plugin, installed: Installed | None, everything: Sequence[Installed]) -> Finding:
    counts = Counter(spec.kind for spec in plugin.encoders) + Counter(
        trainer=len(plugin.trainers), objective=len(plugin.objectives)
    )
    brings = ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for what, count in counts.items())
    value = f"{plugin.distribution} {plugin.version}: {brings or 'nothing'}"
    data = {
        "distribution": plugin.distribution,
        "version": plugin.version,
        "api": plugin.api,
        "encoders": [spec.name for spec in plugin.encoders],
        "trainers": [spec.name for spec in plugin.trainers],
        "objectives": [spec.name for spec in plugin.objectives],
    }
    wanted: list[str] = []
    extras: dict[str, bool] = {}
    if installed is not None and plugin.distribution != CORE_DISTRIBUTION:  # the core's are told with the packages
        for _, requirement, extra in requirements(installed):
            if extra is None:
                wanted.append(requirement)
            else:
                extras[extra] = extras.get(extra, True) and lacking(requirement, everything) is None
    data["extras"] = extras
    if absent := sorted(extra for extra, met in extras.items() if not met):
        value += f"; without the extra{'s' if len(absent) > 1 else ''} {', '.join(absent)}"
    wrong = {requirement: why for requirement in wanted if (why := lacking(requirement, everything)) is not None}
    if wrong:
        said = (f"it needs {requirement}, and {why}" for requirement, why in wrong.items())
        quoted = " ".join(f'"{requirement}"' for requirement in wrong)
        data["lacking"] = list(wrong)
        return Finding(_GROUP, plugin.name, f"{value}; {', '.join(said)}", "problem", f"pip install {quoted}", data)
    if plugin.notice is not None:
        return Finding(_GROUP, plugin.name, value, "warning", f"{plugin.notice}.", data)
    return Finding(_GROUP, plugin.name, value, data=data)


def _clashes(
    what: str, conflicts: Mapping[str, Sequence[RegisteredEncoder]] | Mapping[str, Sequence[RegisteredObjective]]
) -> Iterator[Finding]:
    for name, group in conflicts.items():
        choices = [entry.qualified_name for entry in group]
        owners = " and ".join(entry.distribution for entry in group)
        hint = f"Ask for {' or '.join(choices)}."
        yield Finding(_GROUP, f"{what} {name}", f"declared by {owners}", "warning", hint, {"choices": choices})


def _trainer_clashes(registry: Registry) -> Iterator[Finding]:
    owners: dict[str, list[str]] = {}
    for plugin in registry.plugins:
        for spec in plugin.trainers:
            owners.setdefault(spec.name, []).append(plugin.distribution)
    for name, group in sorted(owners.items()):
        if len(group) > 1:
            hint = f"`harness train {name}` is that of {group[0]}; uninstall it to reach another."
            data = {"distributions": group}
            yield Finding(_GROUP, f"trainer {name}", f"declared by {' and '.join(group)}", "problem", hint, data)

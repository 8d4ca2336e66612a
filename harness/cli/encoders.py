"""`harness encoders`: what can be run, and what could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli import common

if TYPE_CHECKING:
    from harness.plugins.catalogue import Listed
    from harness.plugins.manager import RegisteredEncoder, Registry


@click.command(short_help="List encoders, searchers and rerankers.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def encoders(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """List what can be run: encoders, searchers, and rerankers for `run --rerank`.

    What this project offers and is not installed is listed with the command that installs it. With NAME, show one with
    its options.
    """
    registry = common.registry(ctx)
    if name is not None:
        _show(registry.encoder(name), as_json)
        return
    entries = registry.encoders()
    absent = [] if ctx.obj["no_plugins"] else _absent(registry)
    if as_json:
        installed = [{**_facts(entry), "installed": True} for entry in entries]
        common.print_json({"encoders": [*installed, *(_absent_facts(listed, registry) for listed in absent)]})
        return
    clashes = registry.conflicts()
    table = common.table("encoder", "kind", "languages", "needs", "from", "summary")
    for entry in entries:
        shown = entry.qualified_name if entry.spec.name in clashes else entry.spec.name
        facts = _facts(entry)
        origin = f"{entry.distribution} {entry.version}"
        table.add_row(shown, entry.spec.kind, *_words(facts["languages"], facts["needs"]), origin, entry.spec.summary)
    for listed in absent:
        table.add_row(
            listed.name,
            listed.kind,
            *_words(listed.languages, listed.needs),
            "broken: `harness plugins`" if _is_broken(listed, registry) else "not installed",
            listed.summary,
        )
    console = common.stdout()
    console.print(table)
    for command in dict.fromkeys(listed.command for listed in absent if not _is_broken(listed, registry)):
        names = ", ".join(listed.name for listed in absent if listed.command == command)
        console.print(f"To get {names}: {command}", highlight=False, soft_wrap=True)


def _absent(registry: Registry) -> list[Listed]:
    """What the project's own plugins offer beyond what was found."""
    from harness.plugins.catalogue import first_party

    found = {entry.qualified_name for entry in registry.encoders()}
    return [listed for listed in first_party() if f"{listed.distribution}:{listed.name}" not in found]


def _is_broken(listed: Listed, registry: Registry) -> bool:
    """True where the distribution is there and failed: installing it once more would not help."""
    return any(failure.distribution == listed.distribution for failure in registry.failures)


def _words(languages: tuple[str, ...] | None, needs: tuple[str, ...]) -> tuple[str, str]:
    """Languages and needs as two cells; many languages as a number, because `--json` has them all."""
    if languages is None:
        spoken = "any"
    else:
        spoken = ", ".join(languages) if len(languages) <= 6 else f"{len(languages)} languages"
    return spoken, ", ".join(needs) or "–"


def _show(entry: RegisteredEncoder, as_json: bool) -> None:
    facts = _facts(entry)
    if as_json:
        common.print_json(facts)
        return
    click.echo(f"{facts['name']}: {facts['summary']}\n{facts['kind']} of {facts['distribution']} {facts['version']}")
    languages = "any" if facts["languages"] is None else ", ".join(facts["languages"])
    click.echo(f"languages: {languages}\nneeds: {', '.join(facts['needs']) or 'nothing'}")
    for option in facts["options"]:
        default = "required" if option["required"] else f"default {option['default']!r}"
        click.echo(f"  -o {option['name']}=…  {option['description']} ({default})")


def _facts(entry: RegisteredEncoder) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    from harness.plugins.catalogue import needs_of

    spec = entry.spec
    return {
        "name": spec.name,
        "kind": spec.kind,
        "distribution": entry.distribution,
        "version": entry.version,
        "languages": spec.languages,
        "needs": needs_of(spec),
        "training_datasets": spec.training_datasets,
        "summary": spec.summary,
        "options": [
            {
                "name": name,
                "required": field.is_required(),
                "default": None
                if field.is_required()
                else to_jsonable_python(field.get_default(call_default_factory=True), fallback=str),
                "description": field.description or "",
            }
            for name, field in spec.options.model_fields.items()
        ],
    }


def _absent_facts(listed: Listed, registry: Registry) -> dict[str, Any]:
    return {
        "name": listed.name,
        "kind": listed.kind,
        "distribution": listed.distribution,
        "languages": listed.languages,
        "needs": listed.needs,
        "summary": listed.summary,
        "installed": False,
        **({"broken": True} if _is_broken(listed, registry) else {"command": listed.command}),
    }

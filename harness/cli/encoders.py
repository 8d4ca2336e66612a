"""`harness encoders`: what can be run."""

from __future__ import annotations

import click

from harness.cli import common


@click.command(short_help="List the encoders that are installed.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def encoders(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """List the encoders that are installed; with NAME, show one with its options."""
    registry = common.registry(ctx)
    if name is not None:
        _show(registry.encoder(name), as_json)
        return
    entries = registry.encoders()
    clashes = registry.conflicts()
    if as_json:
        common.print_json({"encoders": [_facts(entry) for entry in entries]})
        return
    table = common.table("encoder", "kind", "distribution", "languages", "summary")
    for entry in entries:
        shown = entry.qualified_name if entry.spec.name in clashes else entry.spec.name
        languages = "any" if entry.spec.languages is None else ", ".join(entry.spec.languages)
        table.add_row(shown, entry.spec.kind, f"{entry.distribution} {entry.version}", languages, entry.spec.summary)
    common.stdout().print(table)


def _show(entry: object, as_json: bool) -> None:
    facts = _facts(entry)
    if as_json:
        common.print_json(facts)
        return
    click.echo(f"{facts['name']}: {facts['summary']}\n{facts['kind']} of {facts['distribution']} {facts['version']}")
    for option in facts["options"]:
        default = "required" if option["required"] else f"default {option['default']!r}"
        click.echo(f"  -o {option['name']}=…  {option['description']} ({default})")


def _facts(entry: object) -> dict:  # type: ignore[type-arg]
    from pydantic_core import to_jsonable_python

    from harness.plugins.manager import RegisteredEncoder

    assert isinstance(entry, RegisteredEncoder)
    spec = entry.spec
    return {
        "name": spec.name,
        "kind": spec.kind,
        "distribution": entry.distribution,
        "version": entry.version,
        "languages": spec.languages,
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

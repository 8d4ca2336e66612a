"""`harness new-plugin`: a distribution to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import common

if TYPE_CHECKING:
    from harness.plugins.spec import Kind


@click.command(short_help="Write a plugin of your own to start from.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["encoder", "searcher", "reranker"]),
    default="encoder",
    show_default=True,
    help="Texts to vectors; a search of its own; or a second look at what another one found.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("."),
    show_default=True,
    help="Folder in which harness-NAME is made.",
)
@click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout.")
@click.pass_context
def new_plugin(ctx: click.Context, name: str, kind: Kind, output: Path, as_json: bool) -> None:
    """Write harness-NAME: an installable distribution with an encoder NAME, its tests, tox.ini and README.

    It works and passes `harness check-plugin` as written; the file that is printed is the one to edit.
    """
    from harness.scaffold import check_free, names_of, write_plugin

    names = names_of(name, kind)
    check_free(names, common.registry(ctx))
    written = write_plugin(names, output)
    if as_json:
        common.print_json(
            {
                "name": names.name,
                "kind": names.kind,
                "distribution": names.distribution,
                "package": names.package,
                "folder": str(written.folder),
                "files": list(written.files),
                "edit": str(written.to_edit),
                "steps": list(written.steps),
            }
        )
        return
    click.echo(f"{written.folder}: {len(written.files)} files of the {names.kind} {names.name!r}")
    click.echo("\nIt works as it is. Next:\n")
    for step in written.steps:
        click.echo(f"    {step}")
    click.echo(f"\nThen make it yours: {written.to_edit}, between the two marks.")

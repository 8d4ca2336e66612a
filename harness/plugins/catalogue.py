"""The project's own plugins, installed or not: what `harness encoders` lists and what an error can point to.

The core must know them without their code, so it carries `catalogue.json`, made from their declarations:

    python -m harness.plugins.catalogue plugins > harness/plugins/catalogue.json

A test fails when the two differ.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from harness.plugins.spec import EncoderSpec, Kind

_FILE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True, slots=True)
class Listed:
    """One encoder, searcher or reranker of a first-party plugin, as its declaration describes it.

    `folder` is that of the plugin below `plugins/`; `needs` is what `needs_of` gives.
    """

    name: str
    kind: Kind
    distribution: str
    folder: str
    languages: tuple[str, ...] | None
    needs: tuple[str, ...]
    summary: str

    @property
    def command(self) -> str:
        """The command that installs it: from the checkout that the harness runs from, where it does."""
        checkout = Path(__file__).parents[2]
        plugin = checkout / "plugins" / self.folder
        if not (plugin / "pyproject.toml").is_file():
            return f"pip install {self.distribution}"
        shown = f"./plugins/{self.folder}" if Path.cwd() == checkout else str(plugin)
        return f"pip install {shown}"


@lru_cache(maxsize=1)
def first_party() -> tuple[Listed, ...]:
    """Everything that the plugins of this project offer, by name."""
    rows = json.loads(_FILE.read_text("utf-8"))
    return tuple(
        Listed(
            **{
                **row,
                "languages": None if row["languages"] is None else tuple(row["languages"]),
                "needs": tuple(row["needs"]),
            }
        )
        for row in rows
    )


def needs_of(spec: EncoderSpec) -> tuple[str, ...]:
    """What a user must bring: the options that have no default, then what the declaration says."""
    required = (f"-o {name}=…" for name, field in spec.options.model_fields.items() if field.is_required())
    return (*required, *spec.needs)


def declared(folder: Path) -> list[Listed]:
    """What the plugins below `folder` declare, by name, read from their sources; nothing need be installed."""
    import tomllib

    from harness.plugins import ENTRY_POINT_GROUP

    found: list[Listed] = []
    for pyproject in sorted(folder.glob("*/pyproject.toml")):
        project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
        sys.path.insert(0, str(pyproject.parent / "src"))
        try:
            for module in project["entry-points"][ENTRY_POINT_GROUP].values():
                hook = getattr(import_module(module), "harness_encoders", None)
                for spec in hook() if hook else ():
                    place = {"distribution": project["name"], "folder": pyproject.parent.name}
                    facts = {"languages": spec.languages, "needs": needs_of(spec), "summary": spec.summary}
                    found.append(Listed(spec.name, spec.kind, **place, **facts))
        finally:
            sys.path.pop(0)
    return sorted(found, key=lambda listed: listed.name)


if __name__ == "__main__":
    rows = [asdict(listed) for listed in declared(Path(sys.argv[1]))]
    sys.stdout.write(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")

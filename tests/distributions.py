"""Build and install every distribution of this repository, the core and each folder of `plugins/`, as users get them.

    python tests/distributions.py build FOLDER      source distribution and wheel of each, into FOLDER
    python tests/distributions.py check FOLDER      what an index would say of them
    python tests/distributions.py install FOLDER    the wheels in FOLDER with all extras that are for users
    python tests/distributions.py validate          every pyproject.toml against the packaging standards

tox has no globs, and a new plugin must not be forgotten in a list.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = [ROOT, *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]

#: What an extra is for when it is for no user.
_FOR_DEVELOPERS = {"test"}


def build(folder: Path) -> None:
    """Put a source distribution and a wheel of every project into `folder`."""
    for project in PROJECTS:
        _run("-m", "build", "--no-isolation", "--outdir", str(folder), str(project))


def check(folder: Path) -> None:
    """Fail for a distribution in `folder` whose metadata an index would refuse."""
    _run("-m", "twine", "check", "--strict", *sorted(map(str, folder.iterdir())))


def install(folder: Path) -> None:
    """Install the wheels in `folder` together, so that pip resolves them against each other."""
    wanted = []
    for project in PROJECTS:
        facts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
        extras = sorted(set(facts.get("optional-dependencies", {})) - _FOR_DEVELOPERS)
        (wheel,) = folder.glob(f"{facts['name'].replace('-', '_')}-*.whl")
        wanted.append(f"{facts['name']}[{','.join(extras)}] @ {wheel.resolve().as_uri()}")
    _run("-m", "pip", "install", *wanted)


def validate() -> None:
    """Fail for a pyproject.toml that does not hold to the standards."""
    _run("-m", "validate_pyproject", *(str(project / "pyproject.toml") for project in PROJECTS))


def _run(*arguments: str) -> None:
    if code := subprocess.call([sys.executable, *arguments]):
        sys.exit(code)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    {"build": build, "check": check, "install": install, "validate": validate}[command](*map(Path, rest))

"""From names to a folder: templates are rendered in memory, written under another name, and renamed when complete."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from harness import __version__
from harness._util.atomic import sync, umask, write_text
from harness.errors import UsageError
from harness.plugins import API_VERSION, ENTRY_POINT_GROUP
from harness.plugins.spec import Kind
from harness.scaffold.naming import Names

TEMPLATES = Path(__file__).with_name("templates")

#: File of a plugin → its template; None is an empty file. Braces are fields of `Names`.
FILES: Mapping[str, str | None] = {
    "pyproject.toml": "pyproject.toml.jinja",
    "README.md": "README.md.jinja",
    ".gitignore": "gitignore.jinja",
    "tox.ini": "tox.ini.jinja",
    "src/{package}/__init__.py": "init.py.jinja",
    "src/{package}/plugin.py": "plugin.py.jinja",
    "src/{package}/{module}.py": "{module}.py.jinja",
    "src/{package}/py.typed": None,
    "tests/test_{slug}.py": "test.py.jinja",
}

#: What the code that is written does, and what it makes.
_DOES: Mapping[Kind, tuple[str, str]] = {
    "encoder": ("counts of hashed words", "vectors"),
    "searcher": ("BM25 over words", "rankings"),
    "reranker": ("the words that query and passage share", "scores"),
}


@dataclass(frozen=True)
class Written:
    """A plugin on disk: its folder, its files below it, and the commands that come next."""

    names: Names
    folder: Path
    files: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def to_edit(self) -> Path:
        """The file an author edits first."""
        return self.folder / "src" / self.names.package / f"{self.names.module}.py"


def render(names: Names) -> dict[PurePosixPath, str]:
    """Path below the plugin's folder → text, for every file of a new plugin. Nothing is written."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # what is written is code, and every value in it was checked to be a name
    )
    fields = asdict(names)
    summary, product = _DOES[names.kind]
    values = {
        **fields,
        "api": API_VERSION,
        "article": "an" if names.kind == "encoder" else "a",
        "group": ENTRY_POINT_GROUP,
        "harness": ".".join(__version__.split(".")[:2]),
        "product": product,
        "python": "3.11",
        "run": _run(names),
        "summary": summary,
    }
    found = {}
    for path, template in FILES.items():
        text = "" if template is None else environment.get_template(template.format(**fields)).render(values)
        found[PurePosixPath(path.format(**fields))] = text
    return found


def write_plugin(names: Names, output: Path) -> Written:
    """Write the plugin into `output`/`names.distribution`, which appears complete or not at all.

    Raises UsageError where that is a file or a folder with something in it, OSError where it cannot be written.
    """
    folder = output / names.distribution
    if folder.is_symlink() or folder.exists():
        if folder.is_symlink() or not folder.is_dir():
            raise _occupied(folder, "is no folder")
        if any(folder.iterdir()):
            raise _occupied(folder, "is not empty")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is no folder", "Name a folder with --output.")
    files = render(names)
    output.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=output, prefix=f".{names.distribution}."))
    try:
        for path, text in files.items():
            write_text(building / path, text)
        building.chmod(0o777 & ~umask())  # mkdtemp makes folders private
        os.rename(building, folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):  # somebody was faster
            raise _occupied(folder, "is not empty") from error
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    sync(output)
    return Written(names, folder, tuple(map(str, files)), _steps(names, folder))


def _occupied(folder: Path, how: str) -> UsageError:
    return UsageError(f"{folder} {how}", "Nothing was written. Choose another name, or another place with --output.")


def _run(names: Names) -> str:
    """The command that runs the plugin; a reranker needs somebody to find what it reorders."""
    if names.kind == "reranker":
        return f"harness run --encoder hashing --rerank {names.name}"
    return f"harness run --encoder {names.name}"


def _steps(names: Names, folder: Path) -> tuple[str, ...]:
    import shlex

    return (
        f"cd {shlex.quote(str(folder))}",
        "python -m pip install -e '.[test]'",
        "python -m pytest",
        f"harness check-plugin {names.name}",
        _run(names),
    )

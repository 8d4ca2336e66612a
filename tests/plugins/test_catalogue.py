"""What the core knows of the project's own plugins is what they declare."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.plugins import EncoderOptions, EncoderSpec, catalogue


def test_the_catalogue_is_what_the_plugins_declare(repository: Path) -> None:
    """`catalogue.json` is the output of the command in the module's docstring, byte for byte."""
    command = [sys.executable, "-m", "harness.plugins.catalogue", "plugins"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (repository / "harness/plugins/catalogue.json").read_text("utf-8")


def test_every_plugin_folder_is_listed(repository: Path) -> None:
    """No folder is forgotten, and no name stands for two things."""
    folders = {path.parent.name for path in (repository / "plugins").glob("*/pyproject.toml")}
    listed = catalogue.first_party()
    assert {entry.folder for entry in listed} == folders
    assert len({entry.name for entry in listed}) == len(listed)


def test_no_list_forgets_a_plugin(repository: Path) -> None:
    """The page of plugins has a line for each name; the list of all, and the types that CI checks, have each folder."""
    page = (repository / "plugins/README.md").read_text("utf-8")
    lines = (repository / "plugins/requirements.txt").read_text("utf-8")
    lines += (repository / "requirements.txt").read_text("utf-8")
    tox = (repository / "tox.ini").read_text("utf-8")
    for entry in catalogue.first_party():
        assert f"| [`{entry.name}`]({entry.folder}) | {entry.kind} | " in page
        assert f"-e plugins/{entry.folder}" in lines
        assert f"-p harness_{entry.folder.replace('-', '_')}" in tox


def test_declaring_imports_nothing_heavy(repository: Path) -> None:
    """Reading all declarations loads none of the libraries that the plugins stand on."""
    heavy = ["torch", "transformers", "sentence_transformers", "mteb", "beir", "bm25s", "pandas", "datasets", "numpy"]
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.plugins.catalogue import declared\n"
        f"declared(Path('plugins'))\nprint([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_needs_are_required_options_and_what_is_declared() -> None:
    """An option without a default must be brought, and so must what the author says."""

    class Options(EncoderOptions):
        model: str
        dim: int = 3

    spec = EncoderSpec("acme", "acme:Acme", "an encoder", Options, needs=("a GPU",))
    assert catalogue.needs_of(spec) == ("-o model=…", "a GPU")


def test_the_command_installs_from_the_checkout_where_there_is_one(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the checkout the path is short, elsewhere whole; without a checkout it is the distribution's name."""
    listed = catalogue.Listed("lamir", "encoder", "harness-lamir", "lamir", None, (), "the method")
    monkeypatch.setattr(catalogue, "__file__", str(repository / "harness/plugins/catalogue.py"))
    monkeypatch.chdir(repository)
    assert listed.command == "pip install ./plugins/lamir"
    monkeypatch.chdir(tmp_path)
    assert listed.command == f"pip install {repository / 'plugins/lamir'}"
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "harness/plugins/catalogue.py"))
    assert listed.command == "pip install harness-lamir"


def test_the_file_is_data(repository: Path) -> None:
    """Languages and needs come back as tuples, whatever JSON calls them."""
    rows = json.loads((repository / "harness/plugins/catalogue.json").read_text("utf-8"))
    assert [entry.name for entry in catalogue.first_party()] == [row["name"] for row in rows]
    assert all(isinstance(entry.needs, tuple) for entry in catalogue.first_party())

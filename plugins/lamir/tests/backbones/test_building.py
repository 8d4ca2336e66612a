"""Which backbone a folder holds, and what importing the room costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness_lamir.backbones.building import kind_of, load_backbone
from harness_lamir.encoder import shipped_checkpoint

from harness.errors import UsageError


def test_kinds_are_told_by_their_files(folders: dict[str, Path]) -> None:
    """The shipped folder is a lexicon; those of the hub are transformers."""
    assert kind_of(shipped_checkpoint()) == "lexicon"
    assert {kind_of(folder) for folder in folders.values()} == {"transformer"}


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    """A path that does not exist, and a folder with nothing in it."""
    with pytest.raises(UsageError, match="no such folder"):
        load_backbone(tmp_path / "missing")
    with pytest.raises(UsageError, match=r"has no config\.json"):
        load_backbone(tmp_path)


def test_settings_import_no_torch() -> None:
    """A recipe is checked before anything heavy is loaded."""
    code = (
        "import sys, harness_lamir.backbones, harness_lamir.backbones.settings\n"
        "sys.exit(', '.join({'torch', 'transformers', 'tokenizers'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

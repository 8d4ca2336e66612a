"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "mteb",
    "datasets",
    "pandas",
    "ranx",
    "pyarrow",
    "beir",
    "nltk",
)


def _imported(code: str) -> set[str]:
    """Top-level modules in sys.modules after `code` ran in a fresh interpreter."""
    script = f"import atexit, json, sys\natexit.register(lambda: print('@@' + json.dumps(sorted(sys.modules))))\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout.rpartition("@@")[2])
    return {name.partition(".")[0] for name in names}


def _main(*arguments: str) -> str:
    return f"from harness.cli.main import main\nsys.exit(main({list(arguments)!r}))"


_LIGHT = {
    "import harness": "import harness",
    "the whole public API by name": "import harness\ndir(harness)",
    "plugins' vocabulary": "from harness.plugins import EncoderSpec, hookimpl",
    "harness --help": _main("--help"),
    "harness run --help": _main("run", "--help"),
    "harness encoders": _main("encoders"),
    "harness plugins": _main("plugins"),
    "harness train --help": _main("train", "--help"),
    "harness new-plugin --help": _main("new-plugin", "--help"),
    "harness doctor --help": _main("doctor", "--help"),
}


@pytest.mark.parametrize("code", _LIGHT.values(), ids=_LIGHT.keys())
def test_nothing_heavy_is_imported(code: str) -> None:
    """Help, listings and `import harness` bring in none of the heavy libraries, installed plugins included."""
    assert _imported(code) & set(_HEAVY) == set()


@pytest.mark.parametrize("code", [_LIGHT["import harness"], _LIGHT["harness --help"], _LIGHT["harness encoders"]])
def test_not_even_numpy(code: str) -> None:
    """The very first steps do without numpy too."""
    assert "numpy" not in _imported(code)


def test_importing_the_package_costs_nothing() -> None:
    """`import harness` brings in the standard library and itself, and no third party at all."""
    found = _imported("before = set(sys.modules)\nimport harness")
    assert found - set(sys.stdlib_module_names) - {"__main__"} - _imported("pass") == {"harness"}


def test_tasks_need_no_heavy_library() -> None:
    """Listing tasks needs no torch, whatever else it imports."""
    assert _imported(_main("tasks")) & {"torch", "transformers", "mteb", "datasets", "pandas", "ranx"} == set()

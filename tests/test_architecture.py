"""The house: a room never imports one to its left, and the front door is light.

DESIGN: "Data goes one way: cli → api → plan → (source, encoder) → store → search → metrics → results → report. A room
never imports one to its left." A room may use the rooms at or after its own place in `ORDER`, plus what stands beside
the chain: `tasks` and `plugins` are declarations, `errors` and `_util` are tools.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

#: From left to right. Rooms of one group may not import each other.
ORDER = (
    {"cli"},
    {"testing", "scaffold", "doctor"},
    {"api"},
    {"rescore"},
    {"engine"},
    {"sources", "encoders"},
    {"plugins", "tasks"},
    {"metrics"},
    {"results"},
    {"errors", "_util"},
)

#: The last room of the chain reads results and the names of measures, and nothing that made them.
REPORT_MAY_USE = {"report", "results", "metrics", "errors", "_util"}

#: Modules that may import heavy packages when they are imported themselves: each is imported on use only.
HEAVY = {"torch", "transformers", "pandas", "datasets", "mteb", "sentence_transformers", "ranx", "beir", "ray"}
MAY_BE_HEAVY = {"harness.encoders.base", "harness.encoders.hardware"}


@cache
def _modules(repository: Path) -> dict[str, ast.Module]:
    """Module name → syntax tree, for all of the package."""
    found = {}
    for path in sorted((repository / "harness").rglob("*.py")):
        name = ".".join(path.relative_to(repository).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def _imports(tree: ast.AST) -> set[str]:
    """Absolute names of everything imported, lazily or not, with the names taken from packages."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which room is meant"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("harness."):
            found.add(node.value.partition(":")[0])  # modules named in strings are imported by name
    return found


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _edges(repository: Path) -> set[tuple[str, str]]:
    """(importing module, room it uses), other rooms only; the package itself and `__main__` are no rooms."""
    rooms = {path.stem for path in (repository / "harness").iterdir() if not path.name.startswith("__")}
    edges = set()
    for module, tree in _modules(repository).items():
        if _room(module) in ("", "__main__"):
            continue
        used = {_room(name) for name in _imports(tree) if name.startswith("harness.")} & rooms
        edges |= {(module, room) for room in used if room != _room(module)}
    return edges


def test_every_room_has_a_place(repository: Path) -> None:
    """A new folder below harness/ must be put into the order before it can be used."""
    rooms = {_room(module) for module in _modules(repository)} - {"", "__main__"}
    assert rooms == set().union(*ORDER) | {"report"}


def test_no_room_imports_one_to_its_left(repository: Path) -> None:
    """Imports go from left to right, lazy ones included. Built-in encoders are named by the plugin manager, as data."""
    place = {room: i for i, group in enumerate(ORDER) for room in group}
    edges = {(module, room) for module, room in _edges(repository) if _room(module) != "report"}
    edges -= {("harness.plugins.manager", "encoders")}  # BUILTIN_MODULES: a name in a string, as an entry point is
    wrong = {
        (module, room)
        for module, room in edges
        if room != "report" and place[room] <= place[_room(module)] and _room(module) not in ("errors", "_util")
    }
    assert wrong == set()
    assert {
        module for module, room in edges if _room(module) in ("errors", "_util") and room not in ("errors", "_util")
    } == set()
    assert {_room(module) for module, room in edges if room == "report"} == {"cli"}


def test_report_sees_results_alone(repository: Path) -> None:
    """No encoder, source, engine, plugin or task behind a board: it is a pure function of result files."""
    used = {room for module, room in _edges(repository) if _room(module) == "report"}
    assert used <= REPORT_MAY_USE


def test_results_and_metrics_stand_alone(repository: Path) -> None:
    """A result can be read, and a run scored, without any room that made them."""
    used = {room for module, room in _edges(repository) if _room(module) in ("results", "metrics")}
    assert used == {"errors", "_util"}


def test_the_built_in_encoders_are_a_name_to_the_manager(repository: Path) -> None:
    """The exception above is a string in a tuple and no import statement."""
    tree = _modules(repository)["harness.plugins.manager"]
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any((node.module or "").startswith("harness.encoders") for node in nodes)


def _at_import(tree: ast.Module) -> set[str]:
    """Top-level packages imported when the module is: neither inside functions nor for type checkers alone."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        waiting.extend(ast.iter_child_nodes(node))
    return found


def test_heavy_packages_are_imported_on_use(repository: Path) -> None:
    """Only the base class of torch encoders imports torch with the module; nothing imports pandas or mteb with it."""
    heavy = {module for module, tree in _modules(repository).items() if _at_import(tree) & HEAVY}
    assert heavy == MAY_BE_HEAVY


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import harness", {"numpy", "pydantic", "pluggy", "click", "pyarrow", "rich"} | HEAVY),
        ("import harness; harness.Result", {"numpy", "pyarrow", "click"} | HEAVY),
        ("from harness.plugins.manager import discover; discover()", {"numpy", "pyarrow", "click", "rich"} | HEAVY),
        ("import harness.cli.main", {"numpy", "pydantic", "pluggy", "pyarrow", "rich"} | HEAVY),
        ("import harness; harness.list_tasks()", HEAVY),
        (
            "import harness.report.boards",
            {"numpy", "pyarrow", "pluggy", "click", "harness.engine", "harness.tasks"} | HEAVY,
        ),
    ],
    ids=["import", "results", "discovery", "command line", "tasks", "report"],
)
def test_doors_are_light(code: str, absent: set[str]) -> None:
    """Importing the package, listing encoders or rendering a board loads none of what only a run needs."""
    check = f"{code}\nimport sys\nprint([name for name in {sorted(absent)!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_public_names_of_a_package_exist(repository: Path) -> None:
    """Every `__all__` names what the module really has: a linter sees the list, and not what it promises."""
    from importlib import import_module

    listed = 0
    for module, tree in _modules(repository).items():
        if any(isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__" for n in tree.body):
            loaded = import_module(module)
            assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == [], module
            listed += 1
    assert listed >= 5

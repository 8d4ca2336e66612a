"""Environments as a user has them: the core as a wheel, plugins installed by pip, commands run as commands."""

from __future__ import annotations

import fcntl
import json
import os
import site
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Finished = subprocess.CompletedProcess[str]
Once = Callable[[str, Callable[[Path], Any]], Any]

#: What must not reach a command that stands for a user's: settings of ours, of Python, of pip and of the test run.
_OURS = ("HARNESS_", "PIP_", "PYTHON", "PYTEST")


def _variables() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    return {**kept, "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees the packages of this one, and is installed into like any other.

    What is installed in it comes first: the core is the wheel, although the checkout may be visible behind it.
    """

    folder: Path

    def run(self, *command: object, cwd: Path | None = None) -> Finished:
        """Run a command of this environment, away from the checkout."""
        name, *arguments = map(str, command)
        variables = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "VIRTUAL_ENV": str(self.folder),
            "HARNESS_CACHE": str(self.folder / "cache"),
        }
        return subprocess.run(
            [str(self.folder / "bin" / name), *arguments],
            cwd=cwd or self.folder,
            env=_variables() | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def harness(self, *arguments: object, cwd: Path | None = None) -> Finished:
        """`harness …`."""
        return self.run("harness", *arguments, cwd=cwd)

    def install(self, *wheels: Path) -> None:
        """`pip install` of wheels, from nowhere else."""
        done = self.run(
            "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", *wheels
        )
        assert done.returncode == 0, done.stderr

    def uninstall(self, *distributions: str) -> None:
        """`pip uninstall`."""
        done = self.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", *distributions)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A function that makes something in a new folder, and gives what JSON keeps of it.

    Under one name it is made once, whichever process of pytest-xdist asks first: environments take seconds.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, work: Callable[[Path], Any]) -> Any:
        kept = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_text(json.dumps(work(Path(tempfile.mkdtemp(dir=shared, prefix=f"{name}-")))), "utf-8")
        return json.loads(kept.read_text("utf-8"))

    return make


@pytest.fixture(scope="session")
def build() -> Callable[[Path, Path], Path]:
    """A function that builds the wheel of a project into a folder, and returns it; nothing is fetched."""

    def wheel(project: Path, folder: Path) -> Path:
        for package in ("hatchling", "pip"):
            if find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
        before = set(folder.glob("*.whl"))
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, str(folder), str(project)],
            env=_variables(),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        (built,) = set(folder.glob("*.whl")) - before
        return built

    return wheel


@pytest.fixture(scope="session")
def environment(repository: Path, once: Once, build: Callable[[Path, Path], Path]) -> Callable[[Path], Environment]:
    """A function that makes an environment in a folder, with the core and no plugin of its own.

    Given the folder of one that was made, it gives that one.
    """

    def get(folder: Path) -> Environment:
        made = Environment(folder)
        if (folder / "pyvenv.cfg").exists():
            return made
        core = Path(once("core", lambda place: str(build(repository, place))))
        venv.create(folder, symlinks=True)
        packages = Path(made.run("python", "-c", "import site; print(site.getsitepackages()[0])").stdout.strip())
        user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
        seen = [path for path in [*site.getsitepackages(), *user] if Path(path).is_dir()]
        lines = [f"import site; site.addsitedir({path!r})\n" for path in seen]
        (packages / "zz_visible.pth").write_text("".join(lines), "utf-8")
        made.install(core)
        return made

    return get

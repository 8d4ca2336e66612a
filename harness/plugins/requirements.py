"""Packages that only some options of an encoder need: asked for before work starts, with the command that gets them."""

from __future__ import annotations

from importlib import metadata

from harness.errors import UsageError


def require(what: str, *requirements: str) -> None:
    """Raise UsageError unless every one of `requirements` (PEP 508: `"onnxruntime>=1.20"`) is installed.

    `what` names what was asked for and cannot be had without them: "backend=onnx".
    """
    lacking = [requirement for requirement in requirements if not satisfied(requirement)]
    if lacking:
        quoted = " ".join(f'"{requirement}"' for requirement in lacking)
        raise UsageError(f"{what} needs {' and '.join(lacking)}", f"Get it: pip install {quoted}")


def satisfied(requirement: str) -> bool:
    """True when a distribution that meets the PEP 508 `requirement` is installed."""
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False

"""Checks of what a plugin says: its module, its options, its facts, and the failures it expects."""

from __future__ import annotations

import subprocess
import sys

from pydantic import ValidationError

from harness.encoders.protocols import EncoderInfo
from harness.testing.checks.model import Check
from harness.testing.checks.subject import ROLES, Subject

#: Packages that take long to import, or much memory.
_HEAVY = (
    "torch", "transformers", "sentence_transformers", "tensorflow", "jax", "onnxruntime", "openvino", "pandas",
    "pyarrow", "scipy", "sklearn", "numba", "nltk", "mteb", "datasets", "beir", "ranx", "ray",
)  # fmt: skip

#: Asked in a fresh interpreter, of the one distribution alone: another plugin's imports are no fault of this one.
_ASK = """
import sys
from importlib import metadata
from harness.plugins.manager import discover
try:
    found = [metadata.distribution({distribution!r})]
except metadata.PackageNotFoundError:
    found = []
discover(found).encoder({name!r})
heavy = [module for module in {modules!r} if module in sys.modules]
sys.exit('imports ' + ', '.join(heavy) if heavy else 0)
"""


def light_import(subject: Subject) -> None:
    """The plugin module loads, in an interpreter of its own, neither heavy packages nor its own factory's module."""
    entry = subject.entry
    modules = (*_HEAVY, entry.spec.factory.partition(":")[0])
    code = _ASK.format(distribution=entry.distribution, name=entry.qualified_name, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 0, said[-1] if said else "discovery failed"


def unknown_option(subject: Subject) -> None:
    """The options refuse a key that they do not have, and say that it is too much."""
    problems: set[str] = set()
    try:
        subject.entry.spec.options(**{**subject.options, "no_such_option_exists": 1})
    except ValidationError as error:
        problems = {problem["type"] for problem in error.errors()}
    assert "extra_forbidden" in problems, "an unknown option was accepted"


def loads(subject: Subject) -> None:
    """The factory, called with the options, gives an object of the declared kind."""
    if (refused := subject.refused) is not None:
        raise refused


def declaration(subject: Subject) -> None:
    """`info` is one `EncoderInfo` with values that the engine can work with, the same at every read."""
    info = subject.model.info
    assert isinstance(info, EncoderInfo), f"info is a {type(info).__name__}, not harness.encoders.EncoderInfo"
    if subject.kind == "encoder":
        assert info.dim > 0, f"dim is {info.dim}"
    else:
        assert info.dim == 0, f"dim is {info.dim}, and a {subject.kind} has no vectors of one size: 0"
    assert info.name and info.fingerprint, "name and fingerprint must not be empty"
    assert info.similarity in ("cosine", "dot"), f"similarity is {info.similarity!r}"
    assert info.max_tokens is None or info.max_tokens > 0, f"max_tokens is {info.max_tokens}"
    assert set(info.prompts) <= set(ROLES), f"prompts names {sorted(info.prompts)}, and the roles are query and passage"
    assert subject.model.info == info, "info changed between two reads"


def expected_failures(subject: Subject) -> None:
    """Every failure that the declaration expects is one of a check that exists for this kind."""
    from harness.testing.checks import checks_for
    from harness.testing.checks.running import NEVER_EXPECTED

    known = {check.id for check in checks_for(subject.kind)} - set(NEVER_EXPECTED)
    unknown = sorted(set(subject.entry.spec.expected_failures) - known)
    named = ", ".join(map(repr, unknown))
    assert not unknown, f"expected_failures names {named}, which is no check of kind {subject.kind}"


CHECKS = (
    Check("light-import", "Listing encoders must stay fast for everyone.",
          "Import torch and the like inside the factory's module, not in the plugin module.", light_import,
          on_model=False),
    Check("unknown-option", "A misspelt option must not be ignored.",
          "Derive options from harness.plugins.EncoderOptions, which forbids extra keys.", unknown_option,
          on_model=False),
    Check("loads", "What cannot be loaded cannot be checked further.",
          "Give required options with -o; `harness --traceback check-plugin` shows where it went wrong.", loads,
          on_model=False),
    Check("declaration", "Boards and the store rely on what info says.",
          "Return one EncoderInfo with dim (0 unless it is an encoder), fingerprint and similarity.", declaration),
    Check("expected-failures", "A failure that is expected of no check hides nothing and means a misspelling.",
          "Use ids as `harness check-plugin --list` gives them.", expected_failures, on_model=False),
)  # fmt: skip

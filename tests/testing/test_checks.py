"""The conformance kit: each check fails on an encoder that breaks its rule, and on no encoder that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugins.manager import discover
from harness.testing import CHECKS, Check, Subject, parametrize_with_checks, run_checks

Install = Callable[..., Path]

_ENCODERS = """
import hashlib, os, uuid
import numpy as np
from dataclasses import replace
from harness.encoders.protocols import EncoderInfo

class Healthy:
    info = EncoderInfo(name="toy", dim=8, fingerprint="toy")

    def __init__(self, options=None):
        self.seed = b""

    def one(self, text):
        digest = hashlib.sha256(self.seed + text.encode("utf-8", "surrogatepass")).digest()
        vector = np.frombuffer(digest, np.uint32).astype(np.float64) / 2**32 - 0.5
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def encode(self, texts, *, role, language=None):
        return np.array([self.one(text) for text in texts], dtype=np.float32).reshape(len(texts), 8)

class NoDim(Healthy):
    info = replace(Healthy.info, similarity="euclid")

class NoName(Healthy):
    info = replace(Healthy.info, name="")

class Doubles(Healthy):
    def encode(self, texts, *, role, language=None):
        return super().encode(texts, role=role).astype(np.float64)

class NothingForNothing(Healthy):
    def encode(self, texts, *, role, language=None):
        return super().encode(texts, role=role) if len(texts) else np.empty(0, np.float32)

class NoQueries(Healthy):
    def encode(self, texts, *, role, language=None):
        vectors = super().encode(texts, role=role)
        return vectors[:, :4] if role == "query" else vectors

class RaisesOnEmpty(Healthy):
    def one(self, text):
        if not text:
            raise ValueError("empty")
        return super().one(text)

class NanOnBlank(Healthy):
    def one(self, text):
        return super().one(text) if text.strip() else np.full(8, np.nan, np.float32)

class StrictUnicode(Healthy):
    def one(self, text):
        text.encode("utf-8")
        return super().one(text)

class ShortOnly(Healthy):
    def one(self, text):
        if len(text) > 10_000:
            raise MemoryError("too long")
        return super().one(text)

class Sorted(Healthy):
    def encode(self, texts, *, role, language=None):
        return super().encode(sorted(texts, key=len), role=role)

class BatchCentred(Healthy):
    def encode(self, texts, *, role, language=None):
        vectors = super().encode(texts, role=role)
        if len(texts) > 1:
            vectors = vectors - 0.1 * vectors.mean(axis=0)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)

class Unseeded(Healthy):
    def __init__(self, options=None):
        self.seed = os.urandom(8)

class NewFingerprint(Healthy):
    def __init__(self, options=None):
        super().__init__(options)
        self.info = replace(Healthy.info, fingerprint=uuid.uuid4().hex)

class TwiceAsLong(Healthy):
    def encode(self, texts, *, role, language=None):
        return 2 * super().encode(texts, role=role)

class Declared(TwiceAsLong):
    info = replace(Healthy.info, normalized=False)

class Strips(Healthy):
    def encode(self, texts, *, role, language=None):
        vectors = super().encode(texts, role=role)
        texts[:] = [text[:3] for text in texts]
        return vectors

class Constant(Healthy):
    def one(self, text):
        return np.full(8, 8**-0.5, dtype=np.float32)

class Exits(Healthy):
    def encode(self, texts, *, role, language=None):
        raise SystemExit("no licence")

class Search:
    info = EncoderInfo(name="toy", dim=0, fingerprint="toy")
    def __init__(self, options): ...
    def index(self, passages, *, language=None): ...
    def search(self, queries, k, *, language=None): ...
"""

#: Class → checks that must fail. An order that is not restored also makes a text depend on those beside it.
_BROKEN = {
    "NoDim": {"declaration"},
    "NoName": {"declaration"},
    "Doubles": {"shape"},
    "NothingForNothing": {"shape"},
    "NoQueries": {"shape"},
    "RaisesOnEmpty": {"odd-inputs"},
    "NanOnBlank": {"odd-inputs"},
    "StrictUnicode": {"odd-inputs"},
    "Sorted": {"order", "independence"},
    "BatchCentred": {"independence"},
    "Unseeded": {"deterministic"},
    "NewFingerprint": {"fingerprint"},
    "TwiceAsLong": {"normalisation"},
    "Strips": {"not-mutated"},
    "Constant": {"distinct"},
}

#: The checks that look at vectors; the two others look at the declaration and are slow or have tests of their own.
_FAST = [check for check in CHECKS if check.id != "light-import"]


def _install(
    install: Install, factory: str, *, options: str = "EncoderOptions", head: str = "", kind: str = "encoder"
) -> Subject:
    plugin = (
        f"{head}\nfrom harness.plugins import EncoderOptions, EncoderSpec, hookimpl\n"
        "class Lax(EncoderOptions, extra='ignore'):\n    pass\n"
        "@hookimpl\ndef harness_encoders():\n"
        f"    return [EncoderSpec('toy', 'toy_encoders:{factory}', 'a toy', {options}, kind={kind!r})]\n"
    )
    install("toy-dist", {"toy_plugin": plugin, "toy_encoders": _ENCODERS}, {"toy": "toy_plugin"})
    return Subject("toy-dist:toy", registry=discover())


def _failed(subject: Subject, checks: list[Check] | None = None) -> dict[str, str]:
    return {o.check.id: o.reason for o in run_checks(subject, checks) if o.status == "failed"}


@pytest.mark.parametrize("factory", ["Healthy", "Declared"])
def test_healthy_encoder_passes_every_check(install: Install, factory: str) -> None:
    """An encoder that keeps the rules, or declares that it does not normalise, passes all checks."""
    assert _failed(_install(install, factory)) == {}


@pytest.mark.parametrize(("factory", "failing"), _BROKEN.items(), ids=_BROKEN)
def test_broken_encoder_fails_its_check_alone(install: Install, factory: str, failing: set[str]) -> None:
    """An encoder that breaks one rule fails the check of that rule and no other."""
    failed = _failed(_install(install, factory), _FAST)
    assert set(failed) == failing
    assert all(failed.values())


def test_heavy_plugin_module_fails_light_import(install: Install) -> None:
    """A plugin module that imports its own encoder fails that check, which names what came along."""
    subject = _install(install, "Healthy", head="import toy_encoders")
    assert _failed(subject) == {"light-import": "imports toy_encoders"}


def test_options_that_ignore_extras_fail_unknown_option(install: Install) -> None:
    """Options that swallow a misspelt key fail that check."""
    assert set(_failed(_install(install, "Healthy", options="Lax"), _FAST)) == {"unknown-option"}


def test_every_check_is_proven(install: Install) -> None:
    """Each check of the kit is the one that some test above makes fail."""
    proven = set().union(*_BROKEN.values()) | {"light-import", "unknown-option"}
    assert {check.id for check in CHECKS} == proven


def test_reasons_tell_what_happened(install: Install) -> None:
    """The reason names the input, the numbers, or the exception: an author need not guess."""
    reasons = {name: _failed(_install(install, name), _FAST) for name in ("StrictUnicode",)}
    assert reasons["StrictUnicode"]["odd-inputs"].startswith("a lone surrogate raised UnicodeEncodeError")


def test_encoder_that_exits_fails_and_does_not_end_the_run(install: Install) -> None:
    """SystemExit inside encode is a failed check with its reason."""
    failed = _failed(_install(install, "Exits"), _FAST)
    assert failed["shape"] == "SystemExit: no licence"
    assert "declaration" not in failed and "fingerprint" not in failed


def test_encoder_that_cannot_be_loaded_fails_with_the_reason(install: Install) -> None:
    """A factory that is missing is the reason of every check that needs the encoder."""
    failed = _failed(_install(install, "Missing"), _FAST)
    assert "could not be loaded: AttributeError" in failed["shape"]


def test_searchers_are_told_that_the_kit_is_for_encoders(install: Install) -> None:
    """A searcher is not measured by an encoder's rules without a word."""
    failed = _failed(_install(install, "Search", kind="searcher"), _FAST)
    assert failed["shape"] == "toy-dist:toy is a searcher, and this kit checks encoders"


def test_unknown_encoder_is_a_usage_error() -> None:
    """The kit asked for an encoder that is not there says so at once."""
    with pytest.raises(UsageError, match="there is no encoder 'no-such-encoder'"):
        Subject("no-such-encoder")


def test_checks_are_documented() -> None:
    """Every check has an id of its own, a sentence why, and a hint what to do."""
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.why.endswith(".") and check.hint.endswith(".")


def test_parametrisation_has_one_case_for_each_check() -> None:
    """The decorator gives pytest one case for each check, under the check's id."""

    @parametrize_with_checks("hashing")
    def probe(check: Callable[[], None]) -> None:
        """A test as an author writes it."""

    (mark,) = probe.pytestmark  # type: ignore[attr-defined]
    assert mark.args[0] == "check"
    assert [case.id for case in mark.args[1]] == [check.id for check in CHECKS]


def test_parametrisation_fails_as_the_check_does(install: Install) -> None:
    """A case raises exactly when its check fails."""
    _install(install, "Constant")

    @parametrize_with_checks("toy-dist:toy")
    def probe(check: Callable[[], None]) -> None:
        """A test as an author writes it."""

    cases = {case.id: case.values[0] for case in probe.pytestmark[0].args[1]}  # type: ignore[attr-defined]
    cases["shape"]()
    with pytest.raises(AssertionError, match="different texts have the same vector"):
        cases["distinct"]()

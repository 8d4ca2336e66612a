"""The checks themselves: an id, one sentence why, a hint for the author, and a function that raises AssertionError."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from harness.api import load_encoder
from harness.encoders.protocols import Encoder, FloatArray, Role
from harness.plugins.manager import RegisteredEncoder, Registry, default_registry

#: Largest difference between two encodings of one text that counts as the same, by dtype: sums in another order.
_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}

#: Modules that listing encoders must not import.
_HEAVY = ("torch", "transformers", "pandas", "mteb", "datasets")

_PLAIN = (
    "The Nile flows north.",
    "A bicycle has two wheels.",
    "Where does the river end?",
    "Tea is made from the leaves of a shrub that grows in the highlands of many countries.",
    "Mars",
)
_ODD = {
    "an empty text": "",
    "white space": " \t\n ",
    "a right-to-left text": "نهر النيل يجري شمالاً",
    "a text without spaces": "尼罗河向北流入地中海。",
    "combining marks": "Ọ̀yọ́ ìlú ńlá",
    "emoji": "🦁👩🏽‍🔬🇰🇪",
    "a lone surrogate": "broken \ud800 text",
    "a zero byte": "a\x00b",
    "a very long text": "word " * 20_000,
    "one very long word": "x" * 50_000,
}


class Subject:
    """The encoder under test: its declaration, its options, and the loaded object."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None, registry: Registry | None = None) -> None:
        self.name = name
        self.options = dict(options or {})
        self.registry = registry or default_registry()
        self.entry: RegisteredEncoder = self.registry.encoder(name)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, loaded once."""
        return self.load()

    def load(self) -> Encoder:
        """The encoder, loaded anew."""
        model = load_encoder(self.name, self.options, registry=self.registry).model
        assert isinstance(model, Encoder), f"{self.name} is a {self.entry.spec.kind}, and this kit checks encoders"
        return model

    def encode(self, texts: Sequence[str], role: Role = "passage") -> FloatArray:
        """Vectors of `texts` as the encoder returns them."""
        return self.encoder.encode(list(texts), role=role, language=None)

    @property
    def tolerance(self) -> float:
        """Largest difference that still counts as equal."""
        return _TOLERANCE.get(self.encoder.info.dtype, 1e-4)


@dataclass(frozen=True)
class Check:
    """One requirement of the contract."""

    id: str
    why: str
    hint: str
    function: Callable[[Subject], None]


@dataclass(frozen=True)
class Outcome:
    """What a check found: passed, or failed with the reason."""

    check: Check
    status: Literal["passed", "failed"]
    reason: str = ""


def run_checks(subject: Subject, checks: Iterable[Check] | None = None) -> list[Outcome]:
    """Run all checks, or the ones given, on `subject`; an exception of any kind is a failure of that check."""
    outcomes = []
    for check in CHECKS if checks is None else checks:
        try:
            check.function(subject)
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split()) or "no message"
            prefix = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            outcomes.append(Outcome(check, "failed", prefix + reason))
        else:
            outcomes.append(Outcome(check, "passed"))
    return outcomes


def _light_import(subject: Subject) -> None:
    factory = subject.entry.spec.factory.partition(":")[0]
    code = (
        "import sys\n"
        "from harness.plugins.manager import discover\n"
        f"entry = discover().encoder({subject.entry.qualified_name!r})\n"
        f"heavy = [m for m in {(*_HEAVY, factory)!r} if m in sys.modules]\n"
        "sys.exit('imports ' + ', '.join(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "discovery failed"


def _unknown_option(subject: Subject) -> None:
    problems: set[str] = set()
    try:
        subject.entry.spec.options(**{**subject.options, "no_such_option_exists": 1})
    except ValidationError as error:
        problems = {problem["type"] for problem in error.errors()}
    assert "extra_forbidden" in problems, "an unknown option was accepted"


def _declaration(subject: Subject) -> None:
    info = subject.encoder.info
    assert info.dim > 0, f"dim is {info.dim}"
    assert info.name and info.fingerprint, "name and fingerprint must not be empty"
    assert info.similarity in ("cosine", "dot"), f"similarity is {info.similarity!r}"
    assert subject.encoder.info == info, "info changed between two reads"


def _shape(subject: Subject) -> None:
    for role in ("query", "passage"):
        for count in (0, 1, len(_PLAIN)):
            vectors = subject.encode(_PLAIN[:count], role)
            expected = (count, subject.encoder.info.dim)
            assert isinstance(vectors, np.ndarray), f"encode returned {type(vectors).__name__}, not a numpy array"
            assert vectors.shape == expected, f"{count} texts as {role} gave shape {vectors.shape}, not {expected}"
            assert vectors.dtype == np.float32, f"dtype is {vectors.dtype}, not float32"


def _odd_inputs(subject: Subject) -> None:
    for what, text in _ODD.items():
        try:
            vectors = subject.encode([text])
        except Exception as error:
            raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error
        assert vectors.shape == (1, subject.encoder.info.dim), f"{what} gave shape {vectors.shape}"
        assert np.isfinite(vectors).all(), f"{what} gave NaN or infinity"


def _order(subject: Subject) -> None:
    forward, backward = subject.encode(_PLAIN), subject.encode(_PLAIN[::-1])[::-1]
    worst = float(np.abs(forward - backward).max())
    assert worst <= subject.tolerance, f"reversing the texts moved a vector by {worst:.2g}"


def _independence(subject: Subject) -> None:
    together = subject.encode([*_PLAIN, _ODD["a very long text"]])[: len(_PLAIN)]
    alone = np.concatenate([subject.encode([text]) for text in _PLAIN])
    worst = float(np.abs(together - alone).max())
    assert worst <= subject.tolerance, f"a text's vector moved by {worst:.2g} with the texts beside it"


def _deterministic(subject: Subject) -> None:
    first, again = subject.encode(_PLAIN), subject.load().encode(list(_PLAIN), role="passage", language=None)
    worst = float(np.abs(first - again).max())
    assert worst <= 1e-6, f"loading and encoding again moved a vector by {worst:.2g}"


def _fingerprint(subject: Subject) -> None:
    assert subject.load().info.fingerprint == subject.encoder.info.fingerprint, "loading again changed the fingerprint"


def _normalisation(subject: Subject) -> None:
    if not subject.encoder.info.normalized:
        return
    norms = np.linalg.norm(subject.encode(_PLAIN), axis=1)
    worst = float(np.abs(norms - 1).max())
    assert worst <= max(1e-3, subject.tolerance), f"normalized is declared and a vector has length {norms.min():.4f}"


def _not_mutated(subject: Subject) -> None:
    texts = list(_PLAIN)
    subject.encoder.encode(texts, role="query", language="en")
    assert texts == list(_PLAIN), "encode changed the list it was given"


def _distinct(subject: Subject) -> None:
    vectors = subject.encode(_PLAIN)
    assert len(np.unique(vectors.round(5), axis=0)) == len(_PLAIN), "different texts have the same vector"


CHECKS: tuple[Check, ...] = (
    Check("light-import", "Listing encoders must stay fast for everyone.",
          "Import torch and the like inside the factory's module, not in the plugin module.", _light_import),
    Check("unknown-option", "A misspelt option must not be ignored.",
          "Derive options from harness.plugins.EncoderOptions, which forbids extra keys.", _unknown_option),
    Check("declaration", "Boards and the store rely on what info says.",
          "Return one EncoderInfo with dim, fingerprint and similarity.", _declaration),
    Check("shape", "The engine stores (n, dim) float32.",
          "Return a numpy array of that shape and dtype, (0, dim) for no texts.", _shape),
    Check("odd-inputs", "Real corpora hold empty, broken, very long and every script's texts.",
          "Clip long texts, replace lone surrogates, give empty texts a vector.", _odd_inputs),
    Check("order", "Row i must belong to text i.", "Undo the sorting by length after batching.", _order),
    Check("independence", "A vector is stored under its text alone.",
          "Mask padding in attention and pooling; leave out batch statistics.", _independence),
    Check("deterministic", "A resumed run must score like an uninterrupted one.",
          "Call eval(), seed what is random.", _deterministic),
    Check("fingerprint", "The store finds vectors by it.",
          "Hash weights and options; leave out times, paths and object ids.", _fingerprint),
    Check("normalisation", "Cosine search multiplies vectors without dividing by their lengths.",
          "Normalise, or declare normalized=False.", _normalisation),
    Check("not-mutated", "The engine hands the same list to other steps.", "Copy the texts before changing them.",
          _not_mutated),
    Check("distinct", "An encoder that maps everything to one vector measures nothing.",
          "Look at pooling and the tokenizer's unknown token.", _distinct),
)  # fmt: skip

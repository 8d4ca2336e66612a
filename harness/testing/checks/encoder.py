"""Checks of an encoder's vectors."""

from __future__ import annotations

import numpy as np

from harness.plugins.spec import Kind
from harness.testing.checks.compare import furthest
from harness.testing.checks.model import Check, Skip
from harness.testing.checks.subject import ROLES, Subject
from harness.testing.checks.texts import EVEN, LONG, PLAIN

#: Tags that a benchmark may pass, one of them in no list of languages.
_LANGUAGES = ("en", "sw", "th", "pt-BR", "qaa")


def shape(subject: Subject) -> None:
    """(number of texts, info.dim), in either role, for none, one and several."""
    dim = subject.model.info.dim
    for role in ROLES:
        for count in (0, 1, len(PLAIN)):
            vectors = subject.encode(PLAIN[:count], role)
            assert isinstance(vectors, np.ndarray), f"encode returned {type(vectors).__name__}, not a numpy array"
            expected = (count, dim)
            assert vectors.shape == expected, f"{count} texts as {role} gave shape {vectors.shape}, not {expected}"


def dtype(subject: Subject) -> None:
    """float32, in either role, for none too."""
    for role in ROLES:
        for count in (0, len(PLAIN)):
            found = subject.encode(PLAIN[:count], role).dtype
            assert found == np.float32, f"dtype is {found} for {count} texts as {role}, not float32"


def finite(subject: Subject) -> None:
    """Neither NaN nor infinity."""
    for role in ROLES:
        for text, vector in zip(PLAIN, subject.encode(PLAIN, role), strict=True):
            assert np.isfinite(vector).all(), f"{text!r} as {role} has NaN or infinity in its vector"


def order(subject: Subject) -> None:
    """The texts in reverse have the same vectors in reverse."""
    moved = furthest(subject.encode(PLAIN), subject.encode(PLAIN[::-1])[::-1])
    assert moved <= subject.tolerance, f"reversing the texts moved a vector by {moved:.2g}"


def companions(subject: Subject) -> None:
    """A text alone, with another, and with many has one vector; the texts are of one length."""
    together = subject.encode(EVEN * 4)[: len(EVEN)]
    alone = np.concatenate([subject.encode([text]) for text in EVEN])
    pairs = np.concatenate([subject.encode([text, EVEN[0]])[:1] for text in EVEN])
    moved = max(furthest(together, alone), furthest(pairs, alone))
    assert moved <= subject.tolerance, f"a text's vector moved by {moved:.2g} with the texts beside it"


def padding(subject: Subject) -> None:
    """A short text has the vector beside a long one that it has alone."""
    for text in ("Mars", EVEN[0]):
        moved = furthest(subject.encode([text, LONG])[:1], subject.encode([text]))
        assert moved <= subject.tolerance, f"{text!r} moved by {moved:.2g} beside a text of {len(LONG)} characters"


def roles(subject: Subject) -> None:
    """Both roles are taken, and different prompts make a difference."""
    query, passage = (subject.encode(PLAIN, role) for role in ROLES)
    prompts = subject.model.info.prompts
    if prompts.get("query", "") != prompts.get("passage", ""):
        moved = furthest(query, passage)
        assert moved > subject.tolerance, "info declares a prompt for each role, and they make no difference"


def language(subject: Subject) -> None:
    """Any tag is taken, and an encoder that is not declared language_aware ignores it."""
    aware = subject.model.info.language_aware
    without = subject.encode(PLAIN)
    for tag in _LANGUAGES:
        moved = furthest(subject.encode(PLAIN, language=tag), without)
        assert aware or moved <= subject.tolerance, f"language={tag!r} moved a vector by {moved:.2g}"


def normalisation(subject: Subject) -> None:
    """Every plain text has a vector of length 1, where that is declared."""
    if not subject.model.info.normalized:
        raise Skip("info.normalized is false")
    for role in ROLES:
        norms = np.linalg.norm(subject.encode(PLAIN, role), axis=1)
        off = norms[np.isfinite(norms) & (np.abs(norms - 1) > max(1e-3, subject.tolerance))]
        assert not len(off), f"normalized is declared and a vector as {role} has length {off[0]:.4f}"


def distinct(subject: Subject) -> None:
    """Different texts have different vectors."""
    vectors = np.nan_to_num(subject.encode(PLAIN))
    assert len(np.unique(vectors.round(5), axis=0)) == len(PLAIN), "different texts have the same vector"


_ENCODER: tuple[Kind, ...] = ("encoder",)

CHECKS = (
    Check("shape", "The engine stores one row of info.dim numbers for each text.",
          "Return a numpy array (n, dim), (0, dim) for no texts.", shape, _ENCODER),
    Check("dtype", "Vectors are stored and searched as float32.",
          "End with .astype(numpy.float32), for no texts too.", dtype, _ENCODER),
    Check("finite", "One NaN in a matrix product spoils every score of its query.",
          "Look at divisions by zero, at masks of −inf, and at half precision.", finite, _ENCODER),
    Check("order", "Row i must belong to text i.", "Undo the sorting by length after batching.", order, _ENCODER),
    Check("companions", "A vector is stored under its text alone.",
          "Leave out batch statistics; call eval().", companions, _ENCODER),
    Check("padding", "A short text must not depend on the longest of its batch.",
          "Mask padding in attention and in pooling.", padding, _ENCODER),
    Check("roles", "A prompt that is declared must reach the model.",
          "Put info.prompts[role] before the text, or declare none.", roles, _ENCODER),
    Check("language", "The store keeps one vector for a text of two languages unless info says otherwise.",
          "Ignore language, or declare language_aware=True.", language, _ENCODER),
    Check("normalisation", "Cosine search multiplies vectors without dividing by their lengths.",
          "Normalise, or declare normalized=False.", normalisation, _ENCODER),
    Check("distinct", "An encoder that maps everything to one vector measures nothing.",
          "Look at pooling and the tokenizer's unknown token.", distinct, _ENCODER),
)  # fmt: skip

"""Checks that ask the same of models of all kinds: the same answers again, inputs left alone, any sequence taken."""

from __future__ import annotations

from harness.testing.checks.compare import furthest_of
from harness.testing.checks.model import Check
from harness.testing.checks.subject import Subject
from harness.testing.checks.texts import PLAIN, Given

#: Answers of one model to one question may differ by this much, where threads add up in another order.
_AGAIN = 1e-6


def deterministic(subject: Subject) -> None:
    """Asking again, and loading and asking again, give the same answers."""
    first = subject.ask(subject.model, PLAIN)
    moved = furthest_of(first, subject.ask(subject.model, PLAIN))
    assert moved <= _AGAIN, f"asking again moved an answer by {moved:.2g}"
    moved = furthest_of(first, subject.second.answers)
    assert moved <= _AGAIN, f"loading and asking again moved an answer by {moved:.2g}"


def not_mutated(subject: Subject) -> None:
    """The lists that were given are what they were."""
    model, texts = subject.model, list(PLAIN)
    if subject.kind == "encoder":
        for role in ("query", "passage"):
            model.encode(texts, role=role, language="en")
            assert texts == list(PLAIN), f"encode changed the list it was given (role {role})"
    elif subject.kind == "searcher":
        model.index(texts, language="en")
        assert texts == list(PLAIN), "index changed the list it was given"
        model.search(texts, 2, language="en")
        assert texts == list(PLAIN), "search changed the list it was given"
        changed = list(PLAIN)
        model.index(changed, language="en")
        before = model.search(list(PLAIN), 2, language="en")
        changed[:] = ["nothing"] * len(changed)
        moved = furthest_of(before[1:], model.search(list(PLAIN), 2, language="en")[1:])
        assert moved <= subject.tolerance, "search reads the list that was indexed"
    else:
        pairs = [(text, PLAIN[0]) for text in PLAIN]
        model.score(pairs)
        assert pairs == [(text, PLAIN[0]) for text in PLAIN], "score changed the list it was given"


def sequences(subject: Subject) -> None:
    """Texts in a sequence of another class than list are taken."""
    model, texts = subject.model, Given(PLAIN)
    if subject.kind == "encoder":
        model.encode(texts, role="query", language=None)
    elif subject.kind == "searcher":
        model.index(texts, language=None)
        model.search(texts, 2, language=None)
    else:
        model.score(tuple((text, PLAIN[0]) for text in PLAIN))


CHECKS = (
    Check("deterministic", "A resumed run must score like an uninterrupted one.",
          "Call eval(), seed what is random, sort what comes out of a set.", deterministic),
    Check("not-mutated", "The engine hands the same texts to other steps.",
          "Copy the texts before changing or keeping them.", not_mutated),
    Check("sequences", "The engine hands over corpora that are not in memory, as a sequence that is no list.",
          "Use len(), iteration and indices alone, or call list() first.", sequences),
)  # fmt: skip

"""Checks of the fingerprint: the same for the same model, and another for another."""

from __future__ import annotations

from itertools import islice
from typing import Any

from harness.encoders.protocols import EncoderInfo
from harness.errors import HarnessError
from harness.testing.checks.alternatives import alternatives
from harness.testing.checks.compare import furthest_of
from harness.testing.checks.folders import copied_model, nudge, weights_of
from harness.testing.checks.model import Check, Skip
from harness.testing.checks.subject import Loaded, Subject, one_line
from harness.testing.checks.texts import PASSAGES, SENTENCES

#: Each other value costs a load.
_MOST_LOADS = 16

_TEXTS = (*PASSAGES, SENTENCES)


def stable(subject: Subject) -> None:
    """Loading again gives the same fingerprint."""
    assert subject.second.info.fingerprint == subject.model.info.fingerprint, "loading again changed the fingerprint"


def options(subject: Subject) -> None:
    """For every option with another value that can be had: where it changes answers, it changes the fingerprint."""
    info, answers = subject.model.info, subject.ask(subject.model, _TEXTS)
    others = alternatives(subject.entry.spec.options, subject.options)
    groups = [(option, group) for option, groups in others.items() for group in groups]
    tried = 0
    for option, group in islice(groups, _MOST_LOADS):
        for value in group:
            other = _with(subject, option, value)
            if other is None:
                continue
            tried += 1
            moved = furthest_of(answers, other.answers)
            if moved > subject.tolerance:
                assert _known_by(other.info) != _known_by(info), (
                    f"{option}={value} moved an answer by {moved:.2g} and left the fingerprint as it was"
                )
            break
    if not tried:
        raise Skip("no option has another value that loads" if groups else "no option has another value to try")


def weights(subject: Subject) -> None:
    """A copy of the model's folder with other weights has another fingerprint."""
    with copied_model(subject) as (option, folder):
        if not nudge(weights_of(folder)[0]):
            raise Skip("the largest safetensors file holds no floating numbers")
        model = subject.load(**{option: str(folder)})
        if furthest_of(subject.ask(subject.model, _TEXTS), subject.ask(model, _TEXTS)) <= subject.tolerance:
            raise Skip("other weights gave the same answers")
        assert model.info.fingerprint != subject.model.info.fingerprint, "other weights have the same fingerprint"


def _with(subject: Subject, option: str, value: Any) -> Loaded | None:
    """What the subject says and answers with another value; None where it refuses it, or these texts with it."""
    try:
        model = subject.load(**{option: value})
        return Loaded(model.info, subject.ask(model, _TEXTS))
    except HarnessError:
        return None
    except Exception as error:
        raise AssertionError(f"{option}={value} is taken, and then: {one_line(error)}") from error


def _known_by(info: EncoderInfo) -> tuple[str, str]:
    """What results and stored vectors are found by."""
    return info.fingerprint, info.dtype


CHECKS = (
    Check("fingerprint", "The store finds vectors by it.",
          "Hash weights and options; leave out times, paths and object ids.", stable),
    Check("fingerprint-options", "Vectors of other options must not be taken from the store.",
          "Hash every option that changes an answer.", options),
    Check("fingerprint-weights", "Vectors of other weights must not be taken from the store.",
          "Hash the bytes of the weights, not their path or name.", weights),
)  # fmt: skip

"""Sentences follow the numbers, whichever way they point."""

from __future__ import annotations

import pytest
from harness_lamir.experiments.sentences import claim_sentence, listed, ordering_sentence, p_value
from harness_lamir.experiments.statistics import Comparison


def _found(difference: float, p: float = 0.001, agreeing: int = 3) -> Comparison:
    return Comparison(difference, difference - 0.01, difference + 0.01, p, p, agreeing, 3, p, 100)


UP, DOWN, OPEN = _found(0.1), _found(-0.1), _found(0.01, p=0.4)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"a": UP}, "X: **holds** on a."),
        ({"a": UP, "b": UP}, "X: **holds** on a and b."),
        ({"a": UP, "b": OPEN}, "X: **holds in part**: on a; no significant difference on b."),
        (
            {"a": DOWN, "b": OPEN},
            "X: **does not hold**: significantly worse on a; no significant difference on b.",
        ),
        ({"a": DOWN}, "X: **does not hold**: significantly worse on a."),
        ({"a": UP, "b": DOWN, "c": OPEN}, "X: **mixed**: better on a, worse on b, no significant difference on c."),
        ({"a": OPEN, "b": OPEN}, "X: **not shown**: no significant difference on a and b."),
        ({"a": _found(0.1, agreeing=2)}, "X: **not shown**: no significant difference on a."),
        ({}, "X: **not measured yet**."),
    ],
)
def test_a_claim_is_judged_by_its_comparisons(found: dict[str, Comparison], says: str) -> None:
    """Every mixture of verdicts has its sentence."""
    assert claim_sentence("X", found) == says


def test_what_is_missing_is_said() -> None:
    """A claim of which only a part is measured says so."""
    assert claim_sentence("X", {"a": UP}, ["b", "c"]) == "X: **holds** on a (b and c: not measured yet)."


def test_the_ordering_holds_only_where_every_link_does() -> None:
    """One open link makes it unproven, one link the other way round refutes it, a missing one leaves it unmeasured."""
    text = ordering_sentence({"a": [UP, UP], "b": [UP, OPEN], "c": [OPEN, DOWN], "d": [UP]}, 2)
    assert "holds on a: every link" in text
    assert "neither shown nor refuted on b" in text
    assert "does not hold on c" in text
    assert "not measured in full yet on d" in text


def test_words() -> None:
    """Lists and p values as people write them."""
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert listed(["a, x", "b", "c"]) == "a, x; b and c"
    assert [p_value(0.0002), p_value(0.0312)] == ["p < 0.001", "p = 0.031"]

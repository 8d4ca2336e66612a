"""What comparisons mean, in words. Every sentence is chosen by the measured values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness_lamir.experiments.statistics import Comparison

__all__ = ["claim_sentence", "listed", "ordering_sentence", "p_value", "short_mark"]


def claim_sentence(says: str, found: Mapping[str, Comparison], missing: Sequence[str] = ()) -> str:
    """Return what became of a claim.

    Args:
        says: the claim.
        found: title of what it was measured on to comparison.
        missing: titles of what has no results yet.
    """
    better = [title for title, one in found.items() if one.verdict == "better"]
    worse = [title for title, one in found.items() if one.verdict == "worse"]
    unclear = [title for title, one in found.items() if one.verdict == "open"]
    if not found:
        return f"{says}: **not measured yet**."
    if better and not worse and not unclear:
        text = f"**holds** on {listed(better)}"
    elif better and not worse:
        text = f"**holds in part**: on {listed(better)}; no significant difference on {listed(unclear)}"
    elif better:
        text = f"**mixed**: better on {listed(better)}, worse on {listed(worse)}"
        text += f", no significant difference on {listed(unclear)}" if unclear else ""
    elif worse:
        text = f"**does not hold**: significantly worse on {listed(worse)}"
        text += f"; no significant difference on {listed(unclear)}" if unclear else ""
    else:
        text = f"**not shown**: no significant difference on {listed(unclear)}"
    waiting = f" ({listed(list(missing))}: not measured yet)" if missing else ""
    return f"{says}: {text}{waiting}."


def ordering_sentence(by_measure: Mapping[str, Sequence[Comparison]], links: int) -> str:
    """Return whether the paper's ordering holds, measurement by measurement.

    Args:
        by_measure: title of a measurement to the comparisons of the ordering's links that could be made.
        links: how many links the ordering has.
    """
    whole, broken, unclear, missing = [], [], [], []
    for title, found in by_measure.items():
        if len(found) < links:
            missing.append(title)
        elif any(one.verdict == "worse" for one in found):
            broken.append(title)
        elif all(one.verdict == "better" for one in found):
            whole.append(title)
        else:
            unclear.append(title)
    parts = []
    if whole:
        parts.append(f"holds on {listed(whole)}: every link is significant")
    if broken:
        parts.append(f"does not hold on {listed(broken)}, where at least one link is significantly the other way round")
    if unclear:
        parts.append(f"is neither shown nor refuted on {listed(unclear)}, where at least one link is not significant")
    if missing:
        parts.append(f"is not measured in full yet on {listed(missing)}")
    return "The paper's ordering, both losses > one of them > IR > backbone alone, " + "; it ".join(parts) + "."


def p_value(p: float) -> str:
    """Return a p value as a reader expects it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def short_mark(one: Comparison) -> str:
    """Return a sign for a verdict: ▲ better, ▼ worse, · open."""
    return {"better": "▲", "worse": "▼", "open": "·"}[one.verdict]


def listed(titles: Sequence[str]) -> str:
    """Join titles: `a`, `a and b`, `a, b and c`. Titles with a comma in them are set apart by semicolons."""
    if len(titles) < 2:
        return "".join(titles)
    comma = ";" if any("," in title for title in titles) else ","
    return f"{f'{comma} '.join(titles[:-1])} and {titles[-1]}"

"""Figures as SVG: the same data gives the same bytes with the same version of matplotlib.

Another version draws the same data differently, so that figures are compared by the fingerprint of their data, which
each carries in its metadata. Colours: Okabe and Ito, "Color Universal Design" (2008), told apart by people who see
few colours; no figure needs colour to be read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness._util import fingerprint
from harness_lamir.experiments.plan import Curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panel", "curves", "data_of", "dots"]

_COLOURS = ("#555555", "#E69F00", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#999933")
_MARKS = ("o", "s", "D", "^", "v")
_WIDTH = 9.0  # inches: a column of a page on GitHub
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "lamir",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "xtick.color": "#444444",
    "ytick.color": "#222222",
    "figure.facecolor": "white",
}


@dataclass(frozen=True)
class Panel:
    """What is drawn side by side with its like.

    Attributes:
        title: its heading.
        axis: what the numbers are.
        points: arm to the scores of its seeds, as drawn (nDCG times 100, say).
    """

    title: str
    axis: str
    points: Mapping[str, Sequence[float]]


def dots(panels: Sequence[Panel], titles: Mapping[str, str], *, columns: int = 3) -> bytes:
    """Return arms as rows, one dot for each seed and a bar at their mean, panel beside panel.

    Args:
        panels: at least one.
        titles: arm to what it is called, from top to bottom.
        columns: panels in a row.
    """
    import matplotlib.pyplot as plt

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with plt.rc_context(_STYLE):
        height = rows * (0.75 + 0.27 * len(titles)) + 0.1
        figure, grid = plt.subplots(rows, columns, figsize=(_WIDTH, height), squeeze=False, sharey=True)
        for number, axes in enumerate(grid.flat):
            if number < len(panels):
                _dots(axes, panels[number], titles)
            else:
                axes.set_visible(False)
        figure.tight_layout(w_pad=1.5, h_pad=1.2)
        return _svg(figure, {"panels": [_said(panel) for panel in panels], "titles": dict(titles)})


def curves(panels: Sequence[Panel], plan: Curves, title: str) -> bytes:
    """Return scores over a quantity: a line through the means of each line's arms, a dot for each seed.

    Args:
        panels: at least one.
        plan: which arm stands at which quantity.
        title: what the baseline is called.
    """
    import matplotlib.pyplot as plt

    with plt.rc_context(_STYLE):
        figure, grid = plt.subplots(1, len(panels), figsize=(_WIDTH, 3.3), squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=True):
            _curves(axes, panel, plan, title)
        grid.flat[0].legend(frameon=False, loc="best")
        figure.tight_layout(w_pad=2)
        return _svg(figure, {"panels": [_said(panel) for panel in panels], "plan": plan.model_dump(mode="json")})


def data_of(svg: bytes) -> str | None:
    """Return the fingerprint of the data that a figure was drawn from; none if it carries none."""
    found = re.search(rb"data ([0-9a-f]{64})", svg)
    return found[1].decode() if found else None


def _dots(axes: Axes, panel: Panel, titles: Mapping[str, str]) -> None:
    arms = list(titles)
    for row, arm in enumerate(arms):
        values = list(panel.points.get(arm, ()))
        if not values:
            continue
        colour, mean = _COLOURS[row % len(_COLOURS)], sum(values) / len(values)
        axes.plot([mean, mean], [row - 0.28, row + 0.28], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(values, [row] * len(values), "o", color=colour, markersize=4.5, alpha=0.65, markeredgewidth=0)
    axes.set_yticks(range(len(arms)), [titles[arm] for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
    _not_too_close(axes)
    axes.locator_params(axis="x", nbins=4)
    axes.set_title(panel.title, loc="left")
    axes.set_xlabel(panel.axis, fontsize=8, color="#444444")


def _not_too_close(axes: Axes) -> None:
    """Widen the scale to five per cent of what it shows: differences of nothing should not look like some."""
    low, high = axes.get_xlim()
    least = 0.05 * max(abs(low), abs(high))
    if high - low < least:
        middle = (low + high) / 2
        axes.set_xlim(middle - least / 2, middle + least / 2)


def _curves(axes: Axes, panel: Panel, plan: Curves, baseline: str) -> None:
    if plan.baseline and panel.points.get(plan.baseline):
        values = panel.points[plan.baseline]
        mean = sum(values) / len(values)
        axes.axhspan(min(values), max(values), color=_COLOURS[0], alpha=0.15, linewidth=0)
        axes.axhline(mean, color=_COLOURS[0], linestyle="--", linewidth=1.2, label=baseline)
    for number, (title, arms) in enumerate(plan.lines.items()):
        colour = _COLOURS[3 + number]
        there = {quantity: panel.points[arm] for quantity, arm in arms.items() if panel.points.get(arm)}
        means = [sum(values) / len(values) for values in there.values()]
        axes.plot(list(there), means, color=colour, marker=_MARKS[number], markersize=5, linewidth=1.6, label=title)
        for quantity, values in there.items():
            axes.plot([quantity] * len(values), values, ".", color=colour, alpha=0.6, markersize=5)
    axes.set_xscale("log")
    quantities = sorted({quantity for arms in plan.lines.values() for quantity in arms})
    axes.set_xticks(quantities, [f"{quantity:,.0f}" for quantity in quantities])
    axes.minorticks_off()
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(panel.title, loc="left")
    axes.set_xlabel(plan.axis, fontsize=8, color="#444444")
    axes.set_ylabel(panel.axis, fontsize=8, color="#444444")


def _said(panel: Panel) -> dict[str, Any]:
    points = {arm: [round(value, 6) for value in values] for arm, values in panel.points.items()}
    return {"title": panel.title, "axis": panel.axis, "points": points}


def _svg(figure: Figure, data: Any) -> bytes:
    """Write and close a figure."""
    import matplotlib.pyplot as plt

    stream = io.BytesIO()
    metadata = {"Date": None, "Creator": None, "Description": f"data {fingerprint.of_json(data)}"}
    figure.savefig(stream, format="svg", metadata=metadata)
    plt.close(figure)
    return b"\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + b"\n"

"""The tables of the page, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness_lamir.experiments.evidence import Evidence
from harness_lamir.experiments.sentences import p_value, short_mark
from harness_lamir.experiments.statistics import Comparison, Spread

__all__ = ["arms", "details", "languages", "setting", "verdicts"]


def arms(evidence: Evidence, measures: Sequence[str], titles: Sequence[str] | None = None) -> str:
    """Arms as rows, measures (by their titles) as columns: mean ± deviation over seeds, the best of each in bold."""
    experiment = evidence.experiment
    best = {name: _best(evidence, name) for name in measures}
    rows = []
    for arm, settings in experiment.arms.items():
        cells = [_cell(name, evidence.spread(name, arm), best[name]) for name in measures]
        seeds = len(evidence.scores[measures[0]].get(arm, {}))
        rows.append([settings.title, *cells, str(seeds)])
    titles = titles or [experiment.measures[name].title for name in measures]
    counts = ["*queries*" if measures[0] in [m.name for m in experiment.measured] else "*sentences*"]
    rows.append([*counts, *(f"{evidence.queries(name):,}" for name in measures), ""])
    return _table(["", *titles, "Seeds"], rows)


def verdicts(evidence: Evidence) -> str:
    """Pairs of arms as rows, measures as columns: verdict, difference in the claim's favour, corrected p."""
    experiment = evidence.experiment
    tested = {name for _, name in evidence.comparisons}
    shown = [name for name in experiment.measures if name in tested]
    if not shown:
        return ""
    pairs: dict[tuple[str, str], dict[str, Comparison]] = {}
    for (position, name), one in evidence.comparisons.items():
        claim = experiment.claims[position]
        pairs.setdefault((claim.better, claim.worse), {})[name] = one
    rows = []
    for (better, worse), found in pairs.items():
        cells = [_verdict(name, found[name]) if name in found else "" for name in shown]
        rows.append([f"{experiment.arms[better].title} − {experiment.arms[worse].title}", *cells])
    head = "Differences, positive in the claim's favour, with p after Holm's correction:"
    return f"{head}\n\n" + _table(["", *(experiment.measures[name].title for name in shown)], rows)


def details(evidence: Evidence) -> str:
    """All there is to know of each comparison, folded away."""
    experiment = evidence.experiment
    rows = []
    for (position, name), one in evidence.comparisons.items():
        claim = experiment.claims[position]
        rows.append(
            [
                experiment.arms[claim.better].title,
                experiment.arms[claim.worse].title,
                experiment.measures[name].title,
                _shown(name, one.difference, "+"),
                f"{_shown(name, one.low, '+')} … {_shown(name, one.high, '+')}",
                _p(one.p),
                _p(one.corrected),
                f"{one.agreeing}/{one.seeds}",
                _p(one.cells),
                f"{one.units:,}",
                short_mark(one),
            ]
        )
    if not rows:
        return ""
    head = ["A", "B", "on", "A − B", "95 %", "p", "p, Holm", "Seeds", "p, cells", "Units", ""]
    return _folded(
        "All comparisons, with confidence intervals",
        _table(head, rows)
        + "\n\nWhere less is better, A − B has its sign turned. Seeds: how many agree with the sign. p, cells: "
        "Wilcoxon's signed-rank test over seeds × languages, which are not independent: a rough guide. Units: "
        "observations of the sign-flip test. A − B: nDCG × 100; shares × 100; other probes as they are.",
    )


def languages(evidence: Evidence, measures: Sequence[str]) -> str:
    """Scores by language of measures that have several, folded away."""
    experiment = evidence.experiment
    parts = []
    for name in measures:
        subsets = evidence.subsets(name)
        if len(subsets) < 2:
            continue
        rows = []
        for arm, settings in experiment.arms.items():
            seeds = evidence.scores[name].get(arm)
            if seeds:
                means = [sum(np.nanmean(one[s]) for one in seeds.values()) / len(seeds) for s in subsets]
                rows.append([settings.title, *(f"{100 * float(mean):.1f}" for mean in means)])
        parts.append(f"**{experiment.measures[name].title}**\n\n" + _table(["", *subsets], rows))
    return _folded("By language, means over seeds", "\n\n".join(parts)) if parts else ""


def setting(found: Sequence[Evidence]) -> str:
    """What the runs ran on, and how to repeat them."""
    results = [result for evidence in found for result in evidence.results]
    lines = [
        "## How it was run",
        "",
        "    python -m harness_lamir.experiments run --data ../shared/data",
        "    python -m harness_lamir.experiments page",
        "",
        "`run` skips what has a result and goes on where it was stopped; `page` writes this page from the result files "
        "alone, which hold every score query by query. Both need the extra `harness-lamir[experiments]`.",
    ]
    if not results:
        return "\n".join(lines)
    rows = []
    for evidence in found:
        own = evidence.results
        if own:
            seconds = [sum(result.seconds.values()) for result in own]
            training = [result.seconds["train"] for result in own if "train" in result.seconds]
            rows.append(
                [
                    evidence.experiment.title,
                    f"{len(own)} of {len(evidence.experiment.arms) * len(evidence.experiment.seeds)}",
                    ", ".join(map(str, evidence.experiment.seeds)),
                    f"{sum(training) / max(len(training), 1):.0f} s",
                    f"{sum(seconds) / 3600:.1f} h",
                ]
            )
    lines += ["", _table(["Experiment", "Runs", "Seeds", "Training, mean", "All together"], rows)]
    machines = sorted({f"{result.processor}, {result.threads} thread" for result in results})
    packages = sorted({f"{name} {version}" for result in results for name, version in result.packages.items()})
    python = sorted({result.python for result in results})
    versions = f"Python {', '.join(python)}; {', '.join(packages)}"
    beside = "Times include reading the text, on a machine that did other work beside."
    lines += ["", f"On {'; '.join(machines)}; {versions}. {beside}"]
    return "\n".join(lines)


def _best(evidence: Evidence, measure: str) -> str | None:
    """The best mean, as it is shown."""
    higher = evidence.experiment.measures[measure].higher_is_better
    means = {
        arm: found.mean for arm in evidence.experiment.arms if (found := evidence.spread(measure, arm)) is not None
    }
    if not means:
        return None
    return _shown(measure, max(means.values()) if higher else min(means.values()))


def _cell(measure: str, found: Spread | None, best: str | None) -> str:
    if found is None:
        return "–"
    mean = _shown(measure, found.mean)
    deviation = f" ± {_shown(measure, found.deviation)}" if found.seeds > 1 else ""
    return (f"**{mean}**" if mean == best else mean) + deviation


def _shown(measure: str, value: float, sign: str = "") -> str:
    """A value with its digits; never a negative nought."""
    text = f"{_factor(measure) * value:{sign}.{_digits(measure)}f}"
    return text.replace("-", "") if text.strip("-+0.") == "" else text


def _verdict(measure: str, one: Comparison) -> str:
    return f"{short_mark(one)} {_shown(measure, one.difference, '+')} ({_p(one.corrected)})"


def _p(p: float) -> str:
    return p_value(p).removeprefix("p = ").removeprefix("p ").replace("< ", "<")


def _factor(measure: str) -> float:
    """Shares and scores are shown times 100; distances and losses as they are."""
    return 1.0 if _plain(measure) else 100.0


def _digits(measure: str) -> int:
    return 3 if _plain(measure) else 1


def _plain(measure: str) -> bool:
    return measure.startswith(("gap", "relative-gap", "language-loss"))


def _folded(summary: str, content: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])

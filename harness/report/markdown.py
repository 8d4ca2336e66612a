"""Tables as Markdown, byte for byte the same for the same results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.metrics import parse
from harness.report.tables import DECLINED, FAILED, MISSING, Row, Table, leaves
from harness.results.schema import EncoderCard

_WORDS = {MISSING: "–", FAILED: "failed", DECLINED: "declined"}
_SEEN = {True: " †", False: "", None: " ‡"}


def table(table: Table) -> str:
    """One table: encoders as rows, subsets as columns, averages over complete sets, coverage; the best in bold."""
    averages = [average.title for average in table.task.averages]
    header = ["Encoder", *averages, *table.subsets, "Coverage"]
    lines = [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]
    lines += [_line(_cells(row, table)) for row in table.rows]
    queries = [str(table.counts[s][0]) if s in table.counts else "" for s in table.subsets]
    passages = [str(table.counts[s][1]) if s in table.counts else "" for s in table.subsets]
    blanks = [""] * len(averages)
    lines.append(_line(["*queries*", *blanks, *queries, ""]))
    lines.append(_line(["*passages*", *blanks, *passages, ""]))
    return "\n".join(lines)


def percent(value: float) -> str:
    """A fraction as boards print it: times 100, one decimal."""
    return f"{100 * value:.1f}"


def legend(tables: Sequence[Table]) -> str:
    """What the metrics, words and marks of `tables` mean."""
    lines = ["Scores are multiplied by 100; higher is better, and the best of each column is bold.", ""]
    for metric in dict.fromkeys(t.metric for t in tables):
        measure = parse(metric)
        lines.append(f"- **{measure.title}**: {measure.explanation}.")
    lines += [
        "- **Avg**: unweighted mean over the task's frozen set of subsets, given only where every one has a score. "
        "Coverage says how many do.",
        "- “–” no result, *failed* an error ended it, *declined* the encoder does not take the subset.",
    ]
    seen = {row.has_seen for t in tables for row in t.rows}
    if True in seen:
        lines.append(
            "- † trained on data of this task (its training split, a side of it, or a benchmark with the same "
            "questions), so not strictly zero-shot."
        )
    if None in seen:
        lines.append("- ‡ what it was trained on is not stated, so nobody can tell whether it is zero-shot.")
    return "\n".join(lines)


def encoders(tables: Sequence[Table]) -> str:
    """A table of the encoders that appear: where they come from and what they were trained on."""
    cards: dict[tuple[str, str], EncoderCard] = {}
    for t in tables:
        for row in t.rows:
            cards.setdefault((row.label, row.encoder.fingerprint), row.encoder)
    header = ["Encoder", "Plugin", "Model", "Dim", "Weights", "Run as", "Trained on"]
    lines = [_line(header), _line(["---"] * len(header))]
    for (label, fingerprint), card in sorted(cards.items()):
        lines.append(
            _line(
                [
                    label,
                    _joined(f"{leaf.distribution} {leaf.version}".strip() for leaf in leaves(card)),
                    _joined(map(_model, leaves(card))),
                    str(card.dim) if card.dim else "",
                    f"`{fingerprint[:12]}`",
                    f"{card.dtype}, {card.device}",
                    _training(card),
                ]
            )
        )
    return "\n".join(lines)


def _model(card: EncoderCard) -> str:
    return f"{card.model or ''}{f' @ {card.revision[:12]}' if card.revision else ''}"


def _joined(texts: Iterable[str]) -> str:
    """What the parts of a row have to say, each once."""
    return " + ".join(dict.fromkeys(text for text in texts if text))


def _training(card: EncoderCard) -> str:
    tuned = "; α chosen on each subset's dev split" if _is_tuned(card) else ""
    if card.training_datasets is None:
        return f"not stated{tuned}"
    return (", ".join(card.training_datasets) or "nothing") + tuned


def _is_tuned(card: EncoderCard) -> bool:
    """True where a fusion has taken its weight from a dev split."""
    own = [value for value in card.options.values() if isinstance(value, dict)] if card.parts else []
    return any(options.get("alpha") == "dev" for options in own)


def label(row: Row) -> str:
    """The label of a row with the mark of what it was trained on."""
    return f"{row.label}{_SEEN[row.has_seen]}"


def _cells(row: Row, table: Table) -> list[str]:
    averages = ["–" if value is None else _marked(value, table.best_average(i)) for i, value in enumerate(row.averages)]
    scores = [
        _WORDS.get(cell, cell) if isinstance(cell, str) else _marked(cell, table.best(subset))
        for subset, cell in row.cells.items()
    ]
    return [label(row), *averages, *scores, f"{row.scored}/{len(row.cells)}"]


def _marked(value: float, best: float | None) -> str:
    text = percent(value)
    return f"**{text}**" if best is not None and text == percent(best) else text


def _line(cells: Sequence[str]) -> str:
    """One row; a pipe or a line end inside a cell must not end it."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

"""Result files arranged as tables: one for each task and metric, encoders as rows, subsets as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.metrics import parse
from harness.report.zero_shot import has_seen
from harness.results.schema import EncoderCard, ResultFile, SubsetResult, TaskCard

#: What stands in a cell that has no score: no result at all, an error, or an encoder that does not take the subset.
MISSING, FAILED, DECLINED = "missing", "failed", "declined"

#: Families in the order of the boards; others follow by name.
_FAMILY_ORDER = ("xor-tydi", "mr-tydi", "miracl", "miracl-hard-negatives", "low-resource")


#: Fields of a task's card that change no score.
_SAID = {"title", "licence", "url", "citation"}

#: What makes a row: weights and precision.
_Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One encoder: its scores as fractions, or a word where there is none, and its averages over complete sets."""

    label: str
    encoder: EncoderCard
    cells: dict[str, float | str]
    averages: tuple[float | None, ...]
    has_seen: bool | None
    """Whether its training data names data of the task; None where nobody has stated it."""

    @property
    def scored(self) -> int:
        """Subsets with a score."""
        return sum(isinstance(cell, float) for cell in self.cells.values())


@dataclass(frozen=True)
class Table:
    """One task by one metric."""

    task: TaskCard
    metric: str
    rows: tuple[Row, ...]
    counts: dict[str, tuple[int, int]]  # subset → scored queries, passages

    @property
    def title(self) -> str:
        """Task and metric as people write them."""
        return f"{self.task.title}: {parse(self.metric).title}"

    @property
    def subsets(self) -> list[str]:
        """The columns."""
        return list(self.task.subsets)

    def best(self, subset: str) -> float | None:
        """The best score of a column, where at least two rows have one."""
        scores = [cell for row in self.rows if isinstance(cell := row.cells[subset], float)]
        return max(scores) if len(scores) > 1 else None

    def best_average(self, index: int) -> float | None:
        """The best value of an average, where at least two rows have it."""
        values = [value for row in self.rows if (value := row.averages[index]) is not None]
        return max(values) if len(values) > 1 else None


def build(results: Iterable[ResultFile], *, partial: bool = False, metrics: Sequence[str] | None = None) -> list[Table]:
    """The tables of `results`, by family and then by task.

    Results cut short by `--limit` are left out unless `partial`. `metrics` None shows each task's own metrics.
    Files that describe the same task differently (another version, other subsets or splits) go to separate tables;
    where they differ in what is only said of it, the newest one is shown.
    """
    groups: dict[str, list[ResultFile]] = {}
    for result in sorted(results, key=lambda result: result.provenance.written, reverse=True):
        groups.setdefault(result.task.model_dump_json(exclude=_SAID), []).append(result)
    ordered = sorted(groups.values(), key=lambda group: _order(group[0].task))
    tables = []
    for group in ordered:
        alike = _alike(group)
        for files in alike:
            card = files[0].task
            if len(alike) > 1:
                card = card.model_copy(update={"title": f"{card.title} (data {_data_name(files)})"})
            for metric in metrics or card.metrics:
                table = _table(card, metric, files, partial)
                if table.rows:
                    tables.append(table)
    return tables


def _alike(group: Sequence[ResultFile]) -> list[list[ResultFile]]:
    """`group` cut where two files measured one subset on different data: scores on two corpora are no ranking."""
    cut: list[tuple[dict[str, str], list[ResultFile]]] = []
    for result in group:
        data = {name: subset.data for name, subset in result.subsets.items()}
        for known, files in cut:
            if all(known.get(name, value) == value for name, value in data.items()):
                known.update(data)
                files.append(result)
                break
        else:
            cut.append((data, [result]))
    return [files for _, files in cut]


def _data_name(files: Sequence[ResultFile]) -> str:
    """What tells the data of `files` from other data of the same task: the first digits of its first hash."""
    return next(subset.data[:8] for file in files for subset in file.subsets.values())


def _order(card: TaskCard) -> tuple[int, str, str, str]:
    known = card.family in _FAMILY_ORDER
    return (_FAMILY_ORDER.index(card.family) if known else len(_FAMILY_ORDER), card.family, card.name, card.variant)


def _table(card: TaskCard, metric: str, group: Sequence[ResultFile], partial: bool) -> Table:
    encoders: dict[_Key, EncoderCard] = {}
    found: dict[_Key, dict[str, SubsetResult]] = {}
    for result in group:
        key = (result.encoder.fingerprint, result.encoder.dtype)
        encoders.setdefault(key, result.encoder)
        usable = {name: s for name, s in result.subsets.items() if partial or s.status != "partial"}
        for name, subset in usable.items():  # newest files come first
            found.setdefault(key, {}).setdefault(name, subset)
    labels = _labels([encoders[key] for key in found])
    rows = [_row(labels[key], encoders[key], subsets, card, metric) for key, subsets in found.items()]
    return Table(card, metric, tuple(sorted(rows, key=_rank)), _counts(card, found.values()))


def _row(label: str, encoder: EncoderCard, subsets: dict[str, SubsetResult], card: TaskCard, metric: str) -> Row:
    cells = {name: _cell(subsets.get(name), metric) for name in card.subsets}
    averages = []
    for average in card.averages:
        values = [cells.get(name) for name in average.subsets]
        scores = [value for value in values if isinstance(value, float)]
        averages.append(sum(scores) / len(scores) if scores and len(scores) == len(values) else None)
    return Row(label, encoder, cells, tuple(averages), _has_seen(card, encoder))


def _has_seen(task: TaskCard, encoder: EncoderCard) -> bool | None:
    """True where any part has, None where no part is known to have and some part may."""
    found = [has_seen(task.name, task.source, part.training_datasets) for part in leaves(encoder)]
    return True if True in found else None if None in found else False


def leaves(card: EncoderCard) -> list[EncoderCard]:
    """What a fusion or a reranking is made of, down to single encoders; of any other card, itself."""
    return [leaf for part in card.parts.values() for leaf in leaves(part)] or [card]


def _cell(result: SubsetResult | None, metric: str) -> float | str:
    if result is None:
        return MISSING
    if result.status in (FAILED, DECLINED):
        return result.status
    return result.metrics.get(metric, MISSING)


def _rank(row: Row) -> tuple[bool, float, int, str]:
    """Complete rows first, by their first average; then by coverage; then by name."""
    if row.averages:
        first = row.averages[0]
    else:
        only = next(iter(row.cells.values()))
        first = only if isinstance(only, float) else None
    return (first is None, -(first or 0.0), -row.scored, row.label)


def _labels(encoders: Sequence[EncoderCard]) -> dict[_Key, str]:
    """A label for each row: the encoder's name, and what tells two of one name apart: weights, then precision."""
    marked = [(encoder.name, encoder.fingerprint) for encoder in encoders]
    labels: dict[_Key, str] = {}
    for encoder in encoders:
        label = encoder.name
        if len({fingerprint for name, fingerprint in marked if name == label}) > 1:
            label += f" #{encoder.fingerprint[:8]}"
        if marked.count((encoder.name, encoder.fingerprint)) > 1:
            label += f" {encoder.dtype}"
        labels[encoder.fingerprint, encoder.dtype] = label
    return labels


def _counts(card: TaskCard, found: Iterable[dict[str, SubsetResult]]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for subsets in found:
        for name, result in subsets.items():
            if result.counts is not None and name in card.subsets:
                counts.setdefault(name, (result.counts.scored, result.counts.passages))
    return {name: counts[name] for name in card.subsets if name in counts}

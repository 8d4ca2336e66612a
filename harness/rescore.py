"""Scores for a file that somebody else's system wrote: by a task's measures, with no encoder.

A TREC run is scored by judgements. A task that is scored by answers reads texts: a list of predictions, or a run
whose passages a source can look up. The rules are trec_eval's with `-c -M 100`, and XOR-Retrieve's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import metrics
from harness.engine.plan import DEPTH
from harness.errors import DataError, UsageError
from harness.metrics import COMMON, Scores
from harness.metrics.ranking import first, ranked
from harness.results.trec import read_qrels, read_run
from harness.results.xor_predictions import (
    Prediction,
    Question,
    looks_like_predictions,
    read_answers,
    read_predictions,
)
from harness.sources.corpus import Corpus
from harness.sources.source import Source
from harness.tasks import all_tasks
from harness.tasks.model import Task
from harness.tasks.selection import Selected, Selection, select

#: Unjudged passages are counted among this many.
_TOP = 10


@dataclass(frozen=True)
class SubsetScores:
    """The scores of one subset, and what the file and the judgements do not share.

    `judged` queries have judgements or answers, and the `retrieved` ones are those of the file. `missing` ones count
    and are not in the file: they score 0. `extra` ones are in the file and do not count. `unjudged` passages stand
    among the first ten of a judged query; None where passages are not judged.
    """

    selected: Selected
    scores: Scores
    judged: int
    retrieved: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    unjudged: int | None = None

    @property
    def scored(self) -> int:
        """The number of queries that the mean of the task's main measure is over."""
        return len(self.scores.per_query[self.selected.task.main_metric])

    def counts(self) -> dict[str, int]:
        """All of these as numbers."""
        counts = {
            "judged": self.judged,
            "scored": self.scored,
            "in_run": self.retrieved,
            "missing": len(self.missing),
            "extra": len(self.extra),
        }
        return counts if self.unjudged is None else {**counts, f"unjudged_in_top_{_TOP}": self.unjudged}


@dataclass(frozen=True)
class Rescored:
    """What a file scores, subset by subset.

    `absent` subsets were asked for and have nothing in the file, or no answers; `other_languages` are those of
    predictions that belong to no subset that was asked for.
    """

    sha256: str
    measures: tuple[str, ...]
    subsets: tuple[SubsetScores, ...]
    absent: tuple[str, ...] = ()
    other_languages: tuple[str, ...] = ()

    def averages(self) -> dict[str, dict[str, float]]:
        """The task's macro averages by title, those alone whose every subset has a score."""
        means = {row.selected.subset.name: row.scores.metrics for row in self.subsets}
        found: dict[str, dict[str, float]] = {}
        for average in self.subsets[0].selected.task.averages:
            if len(means) > 1 and all(means.get(name) for name in average.subsets):
                found[average.title] = {
                    measure: sum(means[name][measure] for name in average.subsets) / len(average.subsets)
                    for measure in self.measures
                }
        return found


def rescore(
    run: Path,
    *,
    task: str,
    split: str | None = None,
    qrels: Path | None = None,
    answers: Path | None = None,
    source: Source | None = None,
) -> Rescored:
    """Score the file `run` by the measures of `task`, which is written as in a selection: `mr-tydi/sw`, `xor-tydi`.

    Judgements come from the TREC file `qrels`, answers from the JSONL file `answers`, and what neither gives from
    `source`, which also has the passages where a run's ids must become text.
    Raises UsageError or DataError.
    """
    selected = _subsets_of_one_task(task, split, source)
    by_answers = not metrics.parse(selected[0].task.main_metric).by_judgement
    if answers is not None and not by_answers:
        raise UsageError(f"{selected[0].task.name} is scored by judged passages; --answers goes with other tasks")
    digest = _sha256(run)
    if by_answers and looks_like_predictions(run):
        if qrels is not None:
            raise UsageError(f"{run}: texts cannot be looked up in --qrels", "Judgements go with a TREC run.")
        return _score_texts(run, digest, selected, answers, source)
    if len(selected) > 1:
        raise UsageError(
            f"a TREC run is of one subset, and {task!r} has {len(selected)}", f"Name one: --task {selected[0].label}."
        )
    return _score_ids(run, digest, selected[0], qrels, answers, source)


def _subsets_of_one_task(pattern: str, split: str | None, source: Source | None) -> list[Selected]:
    known: Sequence[Task] = all_tasks() if source is None else source.tasks()
    named = [task for task in known if task.name == pattern.partition("/")[0]]
    known = named or known  # `low-resource` is a task here, and not the family of that name
    selected = select(known, Selection((pattern,), split=split))
    names = list(dict.fromkeys(item.task.name for item in selected))
    if len(names) > 1:
        raise UsageError(f"{pattern!r} names {len(names)} tasks and a file is of one: {', '.join(names)}")
    return selected


def _score_ids(
    file: Path, digest: str, item: Selected, qrels: Path | None, answers: Path | None, source: Source | None
) -> Rescored:
    """Score a TREC run, cut to the depth that everything here is scored at."""
    run = {query: first(hits, DEPTH) for query, hits in read_run(file).items()}
    if metrics.parse(item.task.main_metric).by_judgement:
        judgements: Mapping[str, Mapping[str, int]] = (
            read_qrels(qrels) if qrels is not None else _needed(source, item, "--qrels FILE").asked(item).qrels
        )
        asked: Mapping[str, Sequence[str]] | None = None
        contexts: dict[str, list[str]] = {}
        counted: Mapping[str, object] = judgements
    else:
        collection = _needed(source, item, "a list of predicted texts as --run").load(item)
        judgements = read_qrels(qrels) if qrels is not None else collection.qrels
        asked = _answers(item, collection.answers, answers)
        contexts = _looked_up(collection.corpus, run, file)
        counted = asked
    _refuse_strangers(file, run, counted)
    measures = tuple(dict.fromkeys((*item.task.metrics, *(COMMON if judgements else ()))))
    scores = metrics.score(measures, qrels=judgements, run=run, answers=asked, contexts=contexts)
    row = _subset_scores(item, scores, counted, run, judgements or None)
    return Rescored(digest, measures, (row,))


def _score_texts(
    file: Path, digest: str, selected: Sequence[Selected], answers: Path | None, source: Source | None
) -> Rescored:
    """Score a list of predictions, language by language."""
    predictions = read_predictions(file)
    asked: dict[str, Mapping[str, Sequence[str]]] = {}
    if answers is not None:
        questions = read_answers(answers)
        _refuse_other_languages(file, predictions, answers, questions)
        for item in selected:
            asked[item.label] = _of_language(questions, item, alone=len(selected) == 1)
    else:
        languages = {row.language for row in predictions}
        for item in selected:
            wanted = None in languages or item.subset.query_language in languages
            given = _needed(source, item, "--answers FILE").asked(item).answers if wanted else {}
            asked[item.label] = _answers(item, given, None)
    texts: dict[str, dict[str, Sequence[str]]] = {item.label: {} for item in selected}
    others: dict[str, None] = {}
    for index, row in enumerate(predictions):
        homes = [item for item in selected if _belongs(row, item, asked[item.label], alone=len(selected) == 1)]
        if row.language is None and len(homes) > 1:
            raise DataError(
                f"{file}: entry {index} ({row.id!r:.80}) has no 'lang', and several languages ask this question"
            )
        if homes:
            texts[homes[0].label][row.id] = row.contexts
        else:
            others[row.language or "(not stated)"] = None
    present = [item for item in selected if texts[item.label] and asked[item.label]]
    if not present:
        names = ", ".join(item.subset.query_language for item in selected)
        raise DataError(f"{file}: no prediction is in {names}; it has {', '.join(others) or 'none with answers'}")
    rows = []
    for item in present:
        _refuse_strangers(file, texts[item.label], asked[item.label])
        scores = metrics.score(
            item.task.metrics, qrels={}, run={}, answers=asked[item.label], contexts=texts[item.label]
        )
        rows.append(_subset_scores(item, scores, asked[item.label], texts[item.label], None))
    absent = tuple(item.subset.name for item in selected if item not in present)
    return Rescored(digest, present[0].task.metrics, tuple(rows), absent, tuple(others))


def _subset_scores(
    item: Selected,
    scores: Scores,
    counted: Mapping[str, object],
    run: Mapping[str, object],
    judgements: Mapping[str, Mapping[str, int]] | None,
) -> SubsetScores:
    unjudged = None
    if judgements is not None:
        tops = {q: ranked(hits)[:_TOP] for q, hits in run.items() if q in judgements and isinstance(hits, Mapping)}
        unjudged = sum(passage not in judgements[query] for query, top in tops.items() for passage in top)
    return SubsetScores(
        item,
        scores,
        judged=len(counted),
        retrieved=len(run),
        missing=tuple(query for query in scores.per_query[item.task.main_metric] if query not in run),
        extra=tuple(query for query in run if query not in counted),
        unjudged=unjudged,
    )


def _needed(source: Source | None, item: Selected, instead: str) -> Source:
    if source is None:
        raise UsageError(
            f"{item.label} cannot be scored from the file alone", f"Give {instead}, or --source pocket, hub or FOLDER."
        )
    return source


def _answers(item: Selected, own: Mapping[str, Sequence[str]] | None, file: Path | None) -> Mapping[str, Sequence[str]]:
    """The answers in `file`, else the source's own."""
    if file is not None:
        found = _of_language(read_answers(file), item, alone=True)
        if not found:
            raise DataError(f"{file}: no question is in {item.subset.query_language}")
        return found
    if own is None:
        raise UsageError(f"the source has no answers for {item.label}", "Give --answers FILE.")
    return own


def _of_language(questions: Iterable[Question], item: Selected, *, alone: bool) -> dict[str, Sequence[str]]:
    """Id → answers of the questions in the language of `item`; where it stands alone, also of those in none."""
    languages = {item.subset.query_language, None} if alone else {item.subset.query_language}
    return {question.id: question.answers for question in questions if question.language in languages}


def _belongs(row: Prediction, item: Selected, asked: Mapping[str, object], *, alone: bool) -> bool:
    if row.language is not None:
        return row.language == item.subset.query_language
    return alone or row.id in asked


def _looked_up(corpus: Corpus, run: Mapping[str, Mapping[str, float]], file: Path) -> dict[str, list[str]]:
    """Query id → the texts of its passages in rank order."""
    import numpy as np

    positions = corpus.find(passage for hits in run.values() for passage in hits)
    found: dict[str, list[str]] = {}
    for query, hits in run.items():
        order = ranked(hits)
        unknown = next((passage for passage in order if passage not in positions), None)
        if unknown is not None:
            raise DataError(f"{file}: query {query!r} retrieves {unknown!r}, which is not in the corpus of the source")
        found[query] = corpus.texts_at(np.array([positions[passage] for passage in order], dtype=np.int64))
    return found


def _refuse_strangers(file: Path, run: Mapping[str, object], counted: Mapping[str, object]) -> None:
    """A file about other queries altogether is a mistake, not a system that scores 0."""
    if not any(query in counted for query in run):
        here, there = next(iter(run), "nothing"), next(iter(counted), "nothing")
        raise DataError(
            f"{file}: none of its {len(run)} queries is among the {len(counted)} that count: it has {here!r} where "
            f"they have {there!r}",
            "Are the subset and the split the right ones?",
        )


def _refuse_other_languages(
    file: Path, predictions: Iterable[Prediction], answers: Path, questions: Iterable[Question]
) -> None:
    """A language that is not the question's would move the question to another mean."""
    languages: dict[str, set[str]] = {}
    for question in questions:
        if question.language is not None:
            languages.setdefault(question.id, set()).add(question.language)
    for index, row in enumerate(predictions):
        known = languages.get(row.id)
        if row.language is not None and known and row.language not in known:
            raise DataError(
                f"{file}: entry {index} ({row.id!r:.80}) is in {row.language!r}, and {answers} has that question in "
                f"{', '.join(sorted(known))}"
            )


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error

"""`harness score` for XOR-Retrieve against the rules of PROTOCOLS, written out a second time and worked by hand."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.measures import Measure
from harness.metrics.words import word_tokenize
from harness.metrics.xor import score_answers
from harness.rescore import rescore
from harness.results.xor_predictions import Prediction, write_predictions

Cli = Callable[..., Any]

NFC, NFD = unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café")
assert NFC != NFD


def _rule(answers: Iterable[str], passages: Iterable[str], budget: int) -> bool | None:
    """Whether one question is a hit; None where it is not scored. A stream of tokens is cut, not a list."""
    spans = set(answers) - {"yes", "no"}
    if not spans:
        return None
    read = " ".join(islice(chain.from_iterable(map(word_tokenize, passages)), budget))
    return re.search("|".join(map(re.escape, spans)), read) is not None


def _words(count: int) -> str:
    return " ".join(["w"] * count)


#: name → answers, passages (None: no prediction), R@2kt, R@5kt; None for a question that is not scored.
TRAPS: dict[str, tuple[list[str], list[str] | None, float | None, float | None]] = {
    "comma-split-off": (["New York, NY"], ["She lives in New York, NY today."], 0, 0),
    "comma-inside-number": (["1,910"], ["There were 1,910 of them."], 1, 1),
    "dollar-split-off": (["$5.5"], ["It cost $5.5 million."], 0, 0),
    "dollar-after-blank": (["$ 5.5"], ["It cost $5.5 million."], 1, 1),
    "number-in-number": (["10"], ["It opened in 1910."], 1, 1),
    "binary-alone": (["no"], ["no"], None, None),
    "binary-twice": (["yes", "yes", "no"], ["yes"], None, None),
    "binary-beside-span-found": (["no", "Volta"], ["The Volta is long."], 1, 1),
    "binary-beside-span-not-found": (["yes", "Volta"], ["yes indeed"], 0, 0),
    "binary-in-capitals": (["No"], ["No one knows."], 1, 1),
    "binary-with-blank": (["no "], ["there is no one"], 1, 1),
    "no-answers": ([], ["anything"], None, None),
    "empty-answer": ([""], ["anything"], 1, 1),
    "empty-answer-empty-list": ([""], [], 1, 1),
    "cut-before-the-answer": (["Volta"], [_words(1500), _words(500) + " Volta"], 0, 1),
    "cut-after-the-answer": (["Volta"], [_words(1500), _words(499) + " Volta"], 1, 1),
    "answer-across-token-2000": (["Lake Volta"], [_words(1500), _words(499) + " Lake Volta"], 0, 1),
    "first-half-inside-2000": (["Lake"], [_words(1500), _words(499) + " Lake Volta"], 1, 1),
    "answer-across-token-5000": (["Lake Volta"], [_words(4999) + " Lake", "Volta"], 0, 0),
    "punctuation-counts": (["Volta"], ["w, " * 1000 + "Volta"], 0, 1),
    "exactly-2000-then-more": (["Volta"], [_words(2000), "Volta"], 0, 1),
    "fewer-than-2000": (["Volta"], ["one", "two", "Volta"], 1, 1),
    "across-two-passages": (["Lake Volta"], ["a great Lake", "Volta is it"], 1, 1),
    "across-a-full-stop": (["Lake Volta"], ["a great Lake.", "Volta is it"], 0, 0),
    "across-an-empty-passage": (["Lake Volta"], ["a great Lake", "", "  \n", "Volta is it"], 1, 1),
    "lower-case": (["volta"], ["The Volta is long."], 0, 0),
    "upper-case": (["VOLTA"], ["The Volta is long."], 0, 0),
    "leading-blank-at-start": ([" Volta"], ["Volta is long"], 0, 0),
    "leading-blank-inside": ([" Volta"], ["the Volta is long"], 1, 1),
    "leading-blank-between-passages": ([" Volta"], ["the", "Volta is long"], 1, 1),
    "trailing-blank-at-end": (["Volta "], ["this is the Volta"], 0, 0),
    "trailing-blank-before-stop": (["Volta "], ["this is the Volta."], 1, 1),
    "two-blanks": (["the  Volta"], ["this is the  Volta"], 0, 0),
    "no-passages": (["Volta"], [], 0, 0),
    "empty-passages": (["Volta"], ["", ""], 0, 0),
    "composed-in-both": ([NFC], [f"the {NFC} there"], 1, 1),
    "decomposed-in-both": ([NFD], [f"the {NFD} there"], 1, 1),
    "composed-answer": ([NFC], [f"the {NFD} there"], 0, 0),
    "decomposed-answer": ([NFD], [f"the {NFC} there"], 0, 0),
    "not-predicted": (["Volta"], None, 0, 0),
    "not-predicted-binary": (["yes"], None, None, None),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The traps as a file of predictions and one of answers, all in Telugu."""
    write_predictions(
        tmp_path / "predictions.json",
        [Prediction(name, "te", tuple(ctxs)) for name, (_, ctxs, _, _) in TRAPS.items() if ctxs is not None],
    )
    return tmp_path / "predictions.json", _answers(tmp_path, {("te", name): row[0] for name, row in TRAPS.items()})


def _answers(folder: Path, answers: dict[tuple[str, str], list[str]]) -> Path:
    path = folder / "answers.jsonl"
    lines = [
        {"id": name, "question": "?", "answers": given, "lang": language} for (language, name), given in answers.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_traps_by_hand(files: tuple[Path, Path], cli: Cli) -> None:
    """Every question scores what was worked out by hand, and the mean is over those that are scored."""
    predictions, answers = files
    done = cli("score", "--run", predictions, "--task", "xor-tydi/te", "--answers", answers, "--per-query", "--json")
    (row,) = done.json()["results"]
    two = {name: trap[2] for name, trap in TRAPS.items() if trap[2] is not None}
    five = {name: trap[3] for name, trap in TRAPS.items() if trap[3] is not None}
    assert row["per_query"] == {"r@2kt": two, "r@5kt": five}
    assert row["metrics"] == pytest.approx(
        {"r@2kt": sum(two.values()) / len(two), "r@5kt": sum(five.values()) / len(five)}
    )
    assert row["counts"] == {
        "judged": len(TRAPS), "scored": len(two), "in_run": len(TRAPS) - 2, "missing": 1, "extra": 0,
    }  # fmt: skip
    assert "queries that the run lacks, which score 0: 1 of 37 (not-predicted)" in done.err


@pytest.mark.parametrize("name", TRAPS)
def test_traps_by_rule(name: str) -> None:
    """The rules written out here say the same as the hand."""
    answers, passages, two, five = TRAPS[name]
    assert (_rule(answers, passages or [], 2000), _rule(answers, passages or [], 5000)) == (two, five)


_token = st.sampled_from("Lake Volta lake 10 1910 $5.5 yes no York, NY. don't (a) é e\u0301 ー".split())
_passage = st.lists(_token, max_size=6).map(" ".join)
_answer = st.one_of(_token, st.lists(_token, min_size=2, max_size=3).map(" ".join), st.sampled_from(["", " ", "e "]))


@settings(max_examples=300)
@given(
    questions=st.lists(
        st.tuples(st.lists(_answer, max_size=3), st.lists(_passage, max_size=5)), min_size=1, max_size=3
    ),
    budgets=st.lists(st.integers(1, 24), min_size=1, max_size=3, unique=True),
)
def test_any_budget_follows_the_rule(questions: Sequence[Any], budgets: Sequence[int]) -> None:
    """Tiny corpora and budgets that fall anywhere in them, several budgets read at once."""
    measures = [Measure(f"r@{budget}", "token-recall", budget) for budget in budgets]
    answers = {str(i): row[0] for i, row in enumerate(questions)}
    contexts = {str(i): row[1] for i, row in enumerate(questions)}
    scored = score_answers(answers, contexts, measures)
    for measure in measures:
        expected = {query: _rule(answers[query], contexts[query], measure.cut) for query in answers}
        assert scored[measure.name] == {query: hit for query, hit in expected.items() if hit is not None}


LANGUAGES = ("ar", "bn", "fi", "ja", "ko", "ru", "te")


def _official(
    predictions: Sequence[Prediction], answers: dict[str, list[str]], budget: int
) -> tuple[float, dict[str, float]]:
    """What the benchmark's script prints: hits per language in the order of the file, and their unweighted mean."""
    counts: dict[str, list[bool]] = {}
    for row in predictions:
        hit = _rule(answers[row.id], row.contexts, budget)
        if hit is not None:
            counts.setdefault(str(row.language), []).append(hit)
    per_language = {language: sum(hits) / len(hits) for language, hits in counts.items()}
    return sum(per_language.values()) / len(per_language), per_language


@settings(max_examples=15)
@given(data=st.data())
def test_one_file_of_all_languages(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Languages with different numbers of questions weigh the same, as in the official script's last line."""
    folder = tmp_path_factory.mktemp("xor")
    predictions: list[Prediction] = []
    answers: dict[tuple[str, str], list[str]] = {}
    for language in LANGUAGES:
        for number in range(data.draw(st.integers(1, 3))):
            name = f"{language}-{number}"
            span = ["Volta"] if number == 0 else []
            answers[language, name] = span + data.draw(st.lists(_answer, max_size=2))
            ctxs = [_words(data.draw(st.sampled_from([0, 1990, 2010, 5000]))), data.draw(_passage)]
            predictions.append(Prediction(name, language, tuple(ctxs)))
    predictions = data.draw(st.permutations(predictions))
    write_predictions(folder / "predictions.json", predictions)
    found = rescore(folder / "predictions.json", task="xor-tydi", answers=_answers(folder, answers))
    plain = {name: given for (_, name), given in answers.items()}
    for measure, budget in (("r@2kt", 2000), ("r@5kt", 5000)):
        mean, per_language = _official(predictions, plain, budget)
        assert found.averages()["Avg"][measure] == pytest.approx(mean, abs=1e-12)
        ours = {row.selected.subset.name: row.scores.metrics[measure] for row in found.subsets}
        assert ours == pytest.approx(per_language, abs=1e-12)

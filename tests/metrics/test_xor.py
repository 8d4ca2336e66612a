"""XOR-Retrieve's R@kt against an independent transcription of the official rules, and hand-worked traps."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import parse
from harness.metrics.xor import score_answers, scored_answers

BOTH = [parse("r@2kt"), parse("r@5kt")]


def _official(predictions: list[dict[str, Any]], gold: dict[str, list[str]], max_token_num: int) -> dict[str, float]:
    """`evaluate_top_k_hit` of the benchmark, transcribed: question → hit, for the questions that it counts."""
    from nltk.tokenize import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    hits: dict[str, float] = {}
    for item in predictions:
        if item["id"] not in gold:
            continue
        span_answers = []
        for answer in gold[item["id"]]:
            if answer not in ["yes", "no"]:
                span_answers.append(answer)
        if len(span_answers) == 0:
            continue
        concat_string_tokens: list[str] = []
        for ctx_text in item["ctxs"]:
            tokenized_text = tokenizer.tokenize(ctx_text)
            concat_string_tokens += tokenized_text
            if len(concat_string_tokens) >= max_token_num:
                break
        concat_string_tokens = concat_string_tokens[:max_token_num]
        assert len(concat_string_tokens) <= max_token_num
        concat_string = " ".join(concat_string_tokens)
        hit = False
        for answer in span_answers:
            if answer in concat_string:
                hit = True
        hits[item["id"]] = 1.0 if hit else 0.0
    return hits


def _hit(answers: list[str], passages: list[str], measure: str = "r@2kt") -> float | None:
    """The score of one question, None where it is not scored."""
    return score_answers({"q": answers}, {"q": passages}, [parse(measure)])[measure].get("q")


TRAPS: list[tuple[str, list[str], list[str], float | None]] = [
    ("a plain answer", ["Nile"], ["The Nile flows north."], 1.0),
    ("no answer there", ["Nile"], ["The Congo flows west."], 0.0),
    ("case matters", ["nile"], ["The Nile flows north."], 0.0),
    ("the comma is split off", ["New York, NY"], ["He lived in New York, NY in 1910."], 0.0),
    ("as the tokens are joined", ["New York , NY"], ["He lived in New York, NY in 1910."], 1.0),
    ("the dollar sign is split off", ["$5.5"], ["It cost $5.5 million."], 0.0),
    ("the number alone is found", ["5.5"], ["It cost $5.5 million."], 1.0),
    ("inside another number", ["10"], ["It opened in 1910."], 1.0),
    ("inside a word", ["art"], ["They departed."], 1.0),
    ("across words", ["flows north"], ["The Nile flows north."], 1.0),
    ("the full stop is split off", ["north."], ["The Nile flows north."], 0.0),
    ("an abbreviation keeps its dot", ["Dr. Smith"], ["They called Dr. Smith at noon."], 1.0),
    ("an apostrophe is split off", ["Kenya's"], ["It is Kenya's tea."], 0.0),
    ("a contraction is split", ["don't"], ["They don't know."], 0.0),
    ("double quotes change", ['"Home"'], ['The song "Home" was first.'], 0.0),
    ("a hyphen stays", ["well-known"], ["a well-known river"], 1.0),
    ("brackets are split off", ["(1910)"], ["It opened (1910) in May."], 0.0),
    ("across two passages", ["north Tea"], ["flows north", "Tea is made"], 1.0),
    ("white space is one space", ["north Tea"], ["flows north\n\t Tea is made"], 1.0),
    ("only yes", ["yes"], ["yes it is"], None),
    ("yes and no", ["yes", "no"], ["yes it is"], None),
    ("no answers at all", [], ["Nile"], None),
    ("yes beside an answer", ["yes", "Nile"], ["yes it is"], 0.0),
    ("an answer beside no", ["no", "Nile"], ["the Nile"], 1.0),
    ("Yes is an answer", ["Yes"], ["The band Yes played."], 1.0),
    ("any of several", ["Congo", "Nile"], ["the Nile"], 1.0),
    ("nothing retrieved", ["Nile"], [], 0.0),
    ("an empty passage", ["Nile"], ["", "the Nile"], 1.0),
    ("another script", ["নীল"], ["এটি নীল নদ।"], 1.0),
]


@pytest.mark.parametrize(("answers", "passages", "expected"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS])
def test_traps(answers: list[str], passages: list[str], expected: float | None) -> None:
    """What the official script does with each of these, oddities included, worked out by hand."""
    assert _hit(answers, passages) == expected


@pytest.mark.parametrize(("position", "expected"), [(1998, (1.0, 1.0)), (1999, (1.0, 1.0)), (2000, (0.0, 1.0))])
def test_the_budget_cuts_inside_a_passage(position: int, expected: tuple[float, float]) -> None:
    """A passage that crosses 2,000 tokens is read up to the 2,000th and no further."""
    words = ["w"] * 2500
    words[position] = "Nile"
    passages = [" ".join(words[:1500]), " ".join(words[1500:])]
    together = score_answers({"q": ["Nile"]}, {"q": passages}, BOTH)
    assert (together["r@2kt"]["q"], together["r@5kt"]["q"]) == expected
    assert (_hit(["Nile"], passages), _hit(["Nile"], passages, "r@5kt")) == expected


def test_an_answer_cut_in_two_by_the_budget_is_no_hit() -> None:
    """Of an answer of two words only the first is inside the budget."""
    passage = " ".join(["w"] * 1999 + ["flows", "north"])
    assert _hit(["flows north"], [passage]) == 0.0
    assert _hit(["flows"], [passage]) == 1.0
    assert _hit(["flows north"], [passage], "r@5kt") == 1.0


def test_passages_after_the_budget_are_not_tokenized() -> None:
    """Once the longest budget is full, no further passage costs anything: this one could not even be tokenized."""
    passages: Any = ["w " * 6000, None]
    assert score_answers({"q": ["Nile"]}, {"q": passages}, BOTH) == {"r@2kt": {"q": 0.0}, "r@5kt": {"q": 0.0}}


def test_memory_of_what_is_remembered() -> None:
    """A passage of a hundred words costs about its own length: tens of thousands of them are remembered."""
    score_answers({"q": ["Nile"]}, {"q": ["warm up"]}, BOTH)
    passages = [" ".join(f"word{n}of{i}" for i in range(100)) for n in range(300)]
    contexts = {f"q{n}": [passage] for n, passage in enumerate(passages)}
    tracemalloc.start()
    score_answers({query: ["Nile"] for query in contexts}, contexts, BOTH)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * sum(map(len, passages))


def test_questions_without_contexts_count() -> None:
    """A question that retrieved nothing scores 0; a prediction for an unknown question changes nothing."""
    scored = score_answers({"a": ["x"], "b": ["yes"]}, {"unknown": ["x"]}, BOTH)
    assert scored == {"r@2kt": {"a": 0.0}, "r@5kt": {"a": 0.0}}


def test_scored_answers_drop_yes_and_no() -> None:
    """Only the exact words are dropped, and questions with nothing left go with them."""
    given_answers = {"a": ["yes", "x", "no"], "b": ["no"], "c": ["Yes", "NO", "yes "], "d": []}
    assert scored_answers(given_answers) == {"a": ("x",), "c": ("Yes", "NO", "yes ")}


_piece = st.sampled_from(
    [
        "New York, NY",
        "$5.5",
        "1910",
        "10",
        "yes",
        "no",
        "the Nile",
        "north",
        "Kenya's",
        '"Home"',
        "(a)",
        "U.S.",
        "é",
        "don't",
    ]
)


@settings(max_examples=120)
@given(
    gold=st.dictionaries(st.sampled_from("abc"), st.lists(_piece, max_size=3), min_size=1),
    contexts=st.dictionaries(st.sampled_from("abcd"), st.lists(st.lists(_piece, max_size=5), max_size=4)),
    cut=st.sampled_from([1, 2]),
)
def test_equals_the_official_rules(gold: Any, contexts: Any, cut: int) -> None:
    """Any answers and passages are scored as the transcribed script scores them, also where the budget cuts."""
    filler = "w " * 330  # the budget falls after three passages or so
    ctxs = {q: [filler + " ".join(pieces) for pieces in passages] for q, passages in contexts.items()}
    measure = parse(f"r@{cut}kt")
    ours = score_answers(gold, ctxs, [measure])[measure.name]
    predictions = [{"id": q, "ctxs": ctxs.get(q, [])} for q in gold]
    assert ours == _official(predictions, gold, cut * 1000)


def test_real_passages_equal_the_official_rules(real_passages: Callable[[int], list[str]]) -> None:
    """Real passages, with answers taken from inside them, are scored as with nltk's own word_tokenize."""
    import nltk

    passages = real_passages(60)
    gold = {str(i): [passage[20:32], passage[5:17].lower()] for i, passage in enumerate(passages)}
    contexts = {str(i): passages[i : i + 30] for i in range(len(passages))}
    ours = score_answers(gold, contexts, BOTH)
    for measure in BOTH:
        for query, answers in gold.items():
            tokens = [token for passage in contexts[query] for token in nltk.word_tokenize(passage)][: measure.cut]
            assert ours[measure.name][query] == any(answer in " ".join(tokens) for answer in answers)
    assert 0 < sum(ours["r@2kt"].values()) < len(gold)

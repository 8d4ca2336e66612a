"""The objectives without a memory: which texts they ask for, and that their loss is the one of the definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
import torch
from harness_lamir.data.rows import Multiway, Pair, Text, Translation, Triplet
from harness_lamir.losses import info_nce, js_distance, language_loss, one_to_k, semantic_loss
from harness_lamir.objectives.base import View
from harness_lamir.objectives.equality import answers
from harness_lamir.objectives.ir import Ir
from harness_lamir.objectives.jsd import Jsd
from harness_lamir.objectives.language import Language
from harness_lamir.objectives.one_to_k import OneToK
from harness_lamir.objectives.options import (
    IrOptions,
    JsdOptions,
    LanguageOptions,
    OneToKOptions,
    SemanticOptions,
)
from harness_lamir.objectives.semantic import Semantic
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

TAU = 0.05
Unit = Callable[[int, int, int], Tensor]


def view(vectors: Tensor, keys: Sequence[int], languages: Sequence[str] = ()) -> View:
    """A view with the given keys."""
    return View(vectors, torch.tensor(keys), tuple(languages) or ("en",) * len(keys))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), st.lists(st.integers(0, 3)))
@settings(deadline=None)
def test_what_answers_a_question(pairs: list[tuple[int, int]], more: list[int]) -> None:
    """By definition: some pair of the batch has this question and this passage."""
    questions, positives = (torch.tensor(side) for side in zip(*pairs, strict=True))
    passages = [*positives.tolist(), *more]
    found = answers(questions, positives, torch.tensor(passages))
    assert found.tolist() == [[(question, passage) in pairs for passage in passages] for question, _ in pairs]


def test_ir_asks_for_hard_negatives_up_to_its_option() -> None:
    """All that rows carry by default; at most so many, drawn at random, where the option says so; none for 0."""
    pairs = [Pair("q1", "p1", ("a", "b", "c"), "en"), Pair("q2", "p2", (), "sw"), Pair("q3", "p3", ("d",), "fi")]

    def asked(most: int | None, seed: int = 0) -> dict[str, Any]:
        return dict(Ir(IrOptions(hard_negatives=most)).texts({"pairs": pairs}, Random(seed)))

    whole = asked(None)
    assert (whole["queries"].texts, whole["queries"].role) == (["q1", "q2", "q3"], "query")
    assert (whole["passages"].texts, whole["passages"].role) == (["p1", "p2", "p3"], "passage")
    assert (whole["negatives"].texts, whole["negatives"].languages) == (["a", "b", "c", "d"], ["en"] * 3 + ["fi"])
    assert whole["queries"].languages == whole["passages"].languages == ["en", "sw", "fi"]
    assert "negatives" not in asked(0)
    drawn = {tuple(asked(2, seed)["negatives"].texts) for seed in range(40)}
    assert all(len(texts) == 3 and texts[-1] == "d" for texts in drawn)
    assert {frozenset(texts[:2]) for texts in drawn} == {frozenset("ab"), frozenset("ac"), frozenset("bc")}


def test_ir_leaves_out_false_negatives(unit: Unit) -> None:
    """Neither the passage of an equal question, nor a hard negative that is its positive or its equal's, pushes."""
    q, p, h = unit(3, 6, 1), unit(3, 6, 2), unit(4, 6, 3)
    objective = Ir(IrOptions(temperature=TAU))
    # Questions 0 and 1 are the same; hard negative 0 is passage 0, and 1 is passage 1; 2 and 3 are none.
    loss = objective(
        {"queries": view(q, [7, 7, 8]), "passages": view(p, [1, 2, 3]), "negatives": view(h, [1, 2, 5, 6])}
    )
    exclude = torch.tensor(
        [
            [False, True, False, True, True, False, False],
            [True, False, False, True, True, False, False],
            [False, False, False, False, False, False, False],
        ]
    )
    torch.testing.assert_close(loss, info_nce(q, torch.cat([p, h]), TAU, exclude=exclude))
    plain = objective({"queries": view(q, [7, 9, 8]), "passages": view(p, [1, 2, 3])})
    torch.testing.assert_close(plain, info_nce(q, p, TAU))


@pytest.mark.parametrize("pool", ["other-side", "2n"])
def test_semantic_is_its_loss(pool: Any, unit: Unit) -> None:
    """Without equal texts, semaCL as it is; pairs that share a text on any side are no negatives of one another."""
    e, o = unit(4, 6, 1), unit(4, 6, 2)
    objective = Semantic(SemanticOptions(temperature=TAU, pool=pool))
    loss = objective({"english": view(e, [0, 1, 2, 3]), "other": view(o, [4, 5, 6, 7])})
    torch.testing.assert_close(loss, semantic_loss(e, o, TAU, pool=pool))
    for english, other in (([0, 0, 2, 3], [4, 5, 6, 7]), ([0, 1, 2, 3], [4, 4, 6, 7]), ([0, 4, 2, 3], [4, 5, 6, 7])):
        duplicates = torch.eye(4, dtype=torch.bool)
        duplicates[0, 1] = duplicates[1, 0] = True
        loss = objective({"english": view(e, english), "other": view(o, other)})
        torch.testing.assert_close(loss, semantic_loss(e, o, TAU, pool=pool, duplicates=duplicates))


def test_two_sides_have_their_languages() -> None:
    """English is `en`, the other side what its row says; langCL's texts what theirs say."""
    pairs = [Translation("water", "maji", "sw"), Translation("stone", "kivi", "fi")]
    asked = Language(LanguageOptions()).texts({"pairs": pairs, "texts": [Text("mto", "sw")]}, Random(0))
    assert {name: (list(texts.texts), list(texts.languages)) for name, texts in asked.items()} == {
        "english": (["water", "stone"], ["en", "en"]),
        "other": (["maji", "kivi"], ["sw", "fi"]),
        "texts": (["mto"], ["sw"]),
    }
    assert asked["english"] == Semantic(SemanticOptions()).texts({"pairs": pairs}, Random(0))["english"]


def test_language_is_its_loss(unit: Unit) -> None:
    """LangCL as it is, on texts and translations of different number."""
    n, e, o = unit(3, 6, 1), unit(5, 6, 2), unit(5, 6, 3)
    views = {"english": view(e, range(5)), "other": view(o, range(5)), "texts": view(n, range(3))}
    torch.testing.assert_close(Language(LanguageOptions(temperature=TAU))(views), language_loss(n, e, o, TAU))


ROWS = [
    Multiway(("water", "maji"), ("en", "sw")),
    Multiway(("pierre", "stone", "kivi", "jiwe"), ("fr", "en", "fi", "sw")),
    Multiway(("joki", "mto", "nehir"), ("fi", "sw", "tr")),
]


def test_one_to_k_asks_for_columns() -> None:
    """The anchor is English where there is English, else the first; columns are prefixes of the rows, longest first."""
    asked = OneToK(OneToKOptions()).texts({"texts": ROWS}, Random(0))
    assert {name: list(zip(texts.texts, texts.languages, strict=True)) for name, texts in asked.items()} == {
        "anchors": [("stone", "en"), ("joki", "fi"), ("water", "en")],
        "positives_0": [("pierre", "fr"), ("mto", "sw"), ("maji", "sw")],
        "positives_1": [("kivi", "fi"), ("nehir", "tr")],
        "positives_2": [("jiwe", "sw")],
    }
    swahili = OneToK(OneToKOptions(anchor="sw")).texts({"texts": ROWS}, Random(0))
    assert swahili["anchors"].texts == ["jiwe", "mto", "maji"]


def test_one_to_k_draws_at_most_k() -> None:
    """With k, each row gives at most k positives, any of them."""
    objective = OneToK(OneToKOptions(k=2))
    seen: set[str] = set()
    for seed in range(40):
        asked = objective.texts({"texts": ROWS}, Random(seed))
        assert set(asked) == {"anchors", "positives_0", "positives_1"}
        at = list(asked["anchors"].texts).index("stone")
        seen |= {asked["positives_0"].texts[at], asked["positives_1"].texts[at]}
    assert seen == {"pierre", "kivi", "jiwe"}


def test_one_to_k_is_its_loss(unit: Unit) -> None:
    """Columns are put together again, and rows that share a text are no negatives of one another."""
    a, t = unit(3, 6, 1), unit(6, 6, 2)
    owners = torch.tensor([0, 1, 2, 0, 1, 0])
    objective = OneToK(OneToKOptions(temperature=TAU))

    def loss(anchors: list[int], keys: list[int]) -> Tensor:
        return objective(  # type: ignore[no-any-return]
            {
                "anchors": view(a, anchors),
                "positives_0": view(t[:3], keys[:3]),
                "positives_1": view(t[3:5], keys[3:5]),
                "positives_2": view(t[5:], keys[5:]),
            }
        )

    torch.testing.assert_close(loss([1, 2, 3], [4, 5, 6, 7, 8, 9]), one_to_k(a, t, owners, TAU))
    together = torch.eye(3, dtype=torch.bool)
    together[0, 1] = together[1, 0] = True
    expected = one_to_k(a, t, owners, TAU, exclude=together[:, owners])
    torch.testing.assert_close(loss([1, 1, 3], [4, 5, 6, 7, 8, 9]), expected)  # equal anchors
    torch.testing.assert_close(loss([1, 2, 3], [4, 5, 6, 7, 4, 9]), expected)  # equal positives
    torch.testing.assert_close(loss([1, 2, 3], [4, 5, 6, 7, 8, 2]), expected)  # an anchor among another's positives


def test_jsd_is_the_sum_of_its_parts(unit: Unit) -> None:
    """√JSD of the passages, and InfoNCE from English questions to the other language; equals are no negatives."""
    triplets = [Triplet("q", "p", "x", "sw"), Triplet("r", "s", "y", "fi")]
    objective = Jsd(JsdOptions(temperature=TAU, vector_temperature=0.1, distance_weight=0.5))
    asked = objective.texts({"triplets": triplets}, Random(0))
    assert [(list(t.texts), list(t.languages), t.role) for t in asked.values()] == [
        (["q", "r"], ["en", "en"], "query"),
        (["p", "s"], ["en", "en"], "passage"),
        (["x", "y"], ["sw", "fi"], "passage"),
    ]
    q, e, o = unit(3, 6, 1), unit(3, 6, 2), unit(3, 6, 3)
    views = {"queries": view(q, [0, 1, 2]), "english": view(e, [3, 4, 5]), "other": view(o, [6, 7, 8])}
    distance = 0.5 * js_distance(e / 0.1, o / 0.1)
    torch.testing.assert_close(objective(views), info_nce(q, o, TAU) + distance)
    exclude = torch.zeros(3, 3, dtype=torch.bool)
    exclude[0, 1] = exclude[1, 0] = True
    for keys in ({"queries": [0, 0, 2]}, {"english": [3, 3, 5]}, {"other": [6, 6, 8]}):
        equal = {name: view(one.vectors, keys.get(name, one.keys.tolist())) for name, one in views.items()}
        torch.testing.assert_close(objective(equal), info_nce(q, o, TAU, exclude=exclude) + distance)


def test_every_loss_of_a_collapsed_encoder_is_high_but_langcls() -> None:
    """One vector for all texts pays at least ln N where texts must be told apart, and the least there is in langCL."""
    n = 4
    flat = torch.full((n, 4), 0.5)
    one, two = view(flat, range(n)), view(flat, range(n, 2 * n))
    three = view(flat, range(2 * n, 3 * n))
    assert float(Ir(IrOptions())({"queries": one, "passages": two})) == pytest.approx(math.log(n))
    assert float(Semantic(SemanticOptions())({"english": one, "other": two})) == pytest.approx(math.log(n))
    assert float(OneToK(OneToKOptions())({"anchors": one, "positives_0": two})) == pytest.approx(math.log(n))
    assert float(Jsd(JsdOptions())({"queries": one, "english": two, "other": three})) == pytest.approx(math.log(n))
    langcl = Language(LanguageOptions())({"english": one, "other": two, "texts": three})
    assert float(langcl) == pytest.approx(2 * math.log(2))

"""One step's gradients: encoded once, cached or not, they are those of the plain computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
import torch
from harness_lamir.backbones import transformer
from harness_lamir.backbones.base import Backbone, Batch
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.training.seeds import seed_of
from harness_lamir.training.step import Member, chunks_of, gradients, key_of, own_parameters
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.errors import HarnessError
from harness.plugins import ObjectiveOptions

Make = Callable[..., Backbone]
Members = Callable[..., list[Member]]
Rows = dict[str, list[Any]]


def slopes(module: torch.nn.Module) -> dict[str, Tensor]:
    """Return the gradients of a module by name."""
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def plain(backbone: Backbone, members: list[Member], rows: Rows, chunk: int | None, seed: int) -> float:
    """Compute the gradients as one writes them down: encode, add the losses up, `backward`; return the loss."""
    wanted: dict[tuple[str, str, bool], None] = {}
    asked = []
    for member in members:
        slots = {slot: rows[stream] for slot, stream in member.streams.items()}
        views = member.objective.texts(slots, member.rng)
        asked.append((member, views))
        for name, texts in views.items():
            taught = member.objective.teacher(name) is not None
            wanted.update({(text, texts.role, taught): None for text in texts.texts})
    own = [(text, role) for text, role, taught in wanted if not taught]
    lengths = backbone.lengths([text for text, _ in own]) if chunk else [0] * len(own)
    vectors: dict[tuple[str, str, bool], Tensor] = {}
    number = 0
    for piece in chunks_of(own, lengths, chunk):  # type: ignore[arg-type]
        batch = backbone.tokenize([own[i][0] for i in piece.positions], role=piece.role)
        for at, part in backbone.parts(batch, len(piece.positions)):
            torch.manual_seed(seed_of(seed, 0, number))
            encoded = backbone(part)
            vectors |= {(*own[piece.positions[row]], False): encoded[j] for j, row in enumerate(at)}
            number += 1
    total = torch.zeros(())
    for member, views in asked:
        given = {}
        for name, texts in views.items():
            teacher = member.objective.teacher(name)
            if teacher is not None:
                with torch.no_grad():
                    stacked = teacher.encode(list(texts.texts), role=texts.role)
            else:
                stacked = torch.stack([vectors[text, texts.role, False] for text in texts.texts])
            given[name] = View(stacked, torch.tensor([key_of(t) for t in texts.texts]), tuple(texts.languages))
        total = total + member.weight * member.objective(given)
    total.backward()
    return float(total.detach())


@pytest.mark.parametrize("chunk", [None, 1, 5, 1000])
def test_cached_gradients_are_the_plain_ones(
    make_backbone: Make, make_members: Members, rows: Rows, chunk: int | None
) -> None:
    """With dropout on, four objectives (one with a teacher), and chunks of any size."""
    results = []
    for compute in ("plain", "step"):
        backbone = make_backbone(dropout=0.3).train()
        members = make_members(backbone)
        if compute == "plain":
            total = plain(backbone, members, rows, chunk, 11)
        else:
            total = gradients(backbone, members, rows, seed=11, chunk=chunk).total
        results.append((total, slopes(backbone)))
    (expected_total, expected), (total, found) = results
    assert total == pytest.approx(expected_total, rel=1e-6)
    assert found.keys() == expected.keys()
    assert max(float(slope.abs().max()) for slope in expected.values()) > 1e-2
    for name, slope in expected.items():
        torch.testing.assert_close(found[name], slope, atol=1e-6, rtol=1e-5, msg=name)


def test_without_dropout_the_chunk_changes_nothing(make_backbone: Make, make_members: Members, rows: Rows) -> None:
    """Gradients of any chunk size agree: the loss is that of the whole batch."""
    found = []
    for chunk in (None, 1, 3, 7):
        backbone = make_backbone(double=True).train()
        gradients(backbone, make_members(backbone), rows, seed=0, chunk=chunk)
        found.append(slopes(backbone))
    for other in found[1:]:
        scale = max(float(slope.abs().max()) for slope in found[0].values())
        for name, slope in found[0].items():
            torch.testing.assert_close(other[name], slope, atol=1e-12 * scale, rtol=1e-9, msg=name)


def test_dropout_falls_anew_at_every_step(make_backbone: Make, make_members: Members, rows: Rows) -> None:
    """Another seed gives another loss, the same seed the same one."""
    backbone = make_backbone(dropout=0.3).train()
    losses = [gradients(backbone, make_members(backbone), rows, seed=seed).total for seed in (1, 2, 1)]
    assert losses[0] == losses[2] != losses[1]


class Sum(Objective):
    """Adds up coordinates; its slots are whatever it is told to ask for."""

    asked: dict[str, Texts]

    def texts(self, rows: Any, rng: Any) -> dict[str, Texts]:
        """Return what was put there."""
        return self.asked

    def forward(self, views: Any) -> Tensor:
        """Return a sum that is sensitive to the order of rows."""
        sums = [(v.vectors[:, 0] * torch.arange(1.0, len(v.vectors) + 1)).sum() for v in views.values()]
        return torch.stack(sums).sum()


def summing(**asked: Texts) -> Member:
    """Return a member with the objective `Sum`."""
    objective = Sum(None)  # type: ignore[arg-type]
    objective.asked = asked
    return Member("sum", objective, 1.0, {}, None)  # type: ignore[arg-type]


def test_each_text_is_encoded_once(make_backbone: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all views and objectives; a text of both roles twice."""
    backbone = make_backbone()
    calls: list[tuple[str, str]] = []
    tokenize = backbone.tokenize

    def counting(texts: Sequence[str], *, role: Any, languages: Any = None) -> Batch:
        calls.extend((text, role) for text in texts)
        return tokenize(texts, role=role, languages=languages)

    monkeypatch.setattr(backbone, "tokenize", counting)
    first = summing(a=Texts(["river", "stone", "river"], ["en"] * 3), b=Texts(["stone"], ["xa"], "query"))
    second = summing(a=Texts(["stone", "water"], ["en"] * 2))
    losses = gradients(backbone, [first, second], {}, seed=0)
    assert sorted(calls) == [("river", "passage"), ("stone", "passage"), ("stone", "query"), ("water", "passage")]
    assert losses.texts == 4


def test_adapters_tell_languages_apart(make_backbone: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that looks at the language encodes a text once for each, and is told it."""
    backbone = make_backbone()
    monkeypatch.setattr(backbone, "language_aware", True, raising=False)
    calls: list[str] = []
    tokenize = backbone.tokenize

    def listening(texts: Sequence[str], *, role: Any, languages: Any = None) -> Batch:
        calls.extend(languages)
        return tokenize(texts, role=role)

    monkeypatch.setattr(backbone, "tokenize", listening)
    losses = gradients(backbone, [summing(a=Texts(["river"] * 3, ["en", "xa", "en"]))], {}, seed=0)
    assert sorted(calls) == ["en", "xa"] and losses.texts == 2


def test_rows_come_back_in_the_order_asked_for(make_backbone: Make) -> None:
    """Sorting by length and cutting into chunks is undone."""
    backbone = make_backbone().eval()
    texts = ["river stone water garden", "river", "stone market window", "water", "river stone"]
    member = summing(a=Texts(texts, ["en"] * 5))
    with torch.no_grad():
        expected = float(member.objective({"a": View(backbone.encode(texts, role="passage"), None, ())}))  # type: ignore[arg-type]
    for chunk in (None, 1, 2):
        assert gradients(backbone, [member], {}, seed=0, chunk=chunk).total == pytest.approx(expected, abs=1e-5)


def test_a_teacher_gets_no_gradient_and_no_dropout(make_backbone: Make, make_members: Members, rows: Rows) -> None:
    """MoCo's momentum encoder stays as it is, and goes back to the mode it was in."""
    backbone = make_backbone(dropout=0.5).train()
    (member,) = make_members(backbone, [{"use": "cropping", "stream": "texts", "queue": 8}])
    teacher = member.objective.teacher("keys")
    assert teacher is not None
    seen: list[bool] = []
    teacher.register_forward_pre_hook(lambda module, _: seen.append(module.training))
    gradients(backbone, [member], rows, seed=0)
    assert seen and not any(seen)
    assert all(p.grad is None for p in teacher.parameters())
    assert slopes(backbone)


def test_an_objective_may_hold_the_backbone(make_backbone: Make) -> None:
    """Its own parameters are those that the backbone does not have."""
    backbone = make_backbone()
    member = summing(a=Texts(["river"], ["en"]))
    member.objective.held = backbone
    member.objective.head = torch.nn.Linear(2, 2)
    assert own_parameters(member.objective, backbone) == list(member.objective.head.parameters())


def test_a_chunk_is_all_that_is_encoded_at_a_time(
    make_backbone: Make, make_members: Members, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First without a graph, then once more with one; without chunks, each role in one call that keeps it."""
    for chunk in (3, None):
        backbone = make_backbone().train()
        members = make_members(backbone, [{"use": "ir", "stream": "english"}])
        calls: list[tuple[int, bool]] = []
        forward = backbone.forward

        def listening(batch: Batch, forward: Any = forward, calls: Any = calls) -> Tensor:
            calls.append((len(batch["input_ids"]), torch.is_grad_enabled()))
            vectors: Tensor = forward(batch)
            return vectors

        monkeypatch.setattr(backbone, "forward", listening)
        count = gradients(backbone, members, rows, seed=0, chunk=chunk).texts
        if chunk is None:
            assert len(calls) == 2 and all(graph for _, graph in calls) and sum(n for n, _ in calls) == count
        else:
            assert max(n for n, _ in calls) == chunk
            assert sum(n for n, graph in calls if graph) == sum(n for n, graph in calls if not graph) == count


@pytest.mark.parametrize("chunk", [None, 4])
def test_texts_of_other_lengths_are_encoded_apart(
    make_backbone: Make, monkeypatch: pytest.MonkeyPatch, chunk: int | None
) -> None:
    """Cutting a batch into parts of like lengths is undone: vectors and gradients are those of one batch."""
    texts = ["river stone " * n for n in (1, 30, 2, 28, 3, 1, 29, 2, 60, 1)]
    texts = [f"{text} {number}" for number, text in enumerate(texts)]
    results, sizes = [], []
    for call in (8, 10**9):
        monkeypatch.setattr(transformer, "_CALL", {"cpu": call})
        backbone = make_backbone(double=True)
        widths: list[int] = []
        forward = backbone.forward

        def listening(batch: Batch, forward: Any = forward, widths: Any = widths) -> Tensor:
            widths.append(batch["input_ids"].numel())
            vectors: Tensor = forward(batch)
            return vectors

        monkeypatch.setattr(backbone, "forward", listening)
        losses = gradients(backbone, [summing(a=Texts(texts, ["en"] * len(texts)))], {}, seed=0, chunk=chunk)
        results.append((losses.total, slopes(backbone)))
        sizes.append(sum(widths))
    (total, found), (expected_total, expected) = results
    assert sizes[0] < (0.99 if chunk else 0.8) * sizes[1]
    assert total == pytest.approx(expected_total, rel=1e-12)
    for name, slope in expected.items():
        torch.testing.assert_close(found[name], slope, atol=1e-12, rtol=1e-9, msg=name)


def test_parts_repeat_their_dropout(make_backbone: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dropout, a second pass over the parts of a chunk finds the vectors of the first."""
    monkeypatch.setattr(transformer, "_CALL", {"cpu": 8})
    backbone = make_backbone(dropout=0.3).train()
    passes: list[Tensor] = []
    backbone.register_forward_hook(lambda module, given, vectors: passes.append(vectors.detach()))
    texts = [f"{'river stone ' * n} {n}" for n in (1, 30, 2, 28)]
    gradients(backbone, [summing(a=Texts(texts, ["en"] * 4))], {}, seed=0, chunk=4)
    assert len(passes) >= 4
    for first, second in zip(passes[: len(passes) // 2], passes[len(passes) // 2 :], strict=True):
        assert torch.equal(first, second)


@given(st.text(max_size=20), st.text(max_size=20))
def test_keys_fold_case_and_spacing_alone(left: str, right: str) -> None:
    """Keys are equal exactly where the folded texts are."""
    same = left.casefold().split() == right.casefold().split()
    assert (key_of(left) == key_of(right)) == same
    assert key_of(f"  {left}\n") == key_of(left) and -(2**63) <= key_of(left) < 2**63


@given(
    st.lists(st.tuples(st.sampled_from(["query", "passage"]), st.integers(0, 50)), max_size=40),
    st.one_of(st.none(), st.integers(1, 9)),
    st.integers(1, 4),
)
def test_chunks_share_out_every_text_once(texts: list[tuple[str, int]], chunk: int | None, size: int) -> None:
    """Over all processes; no chunk is too long or of two roles, and shares differ by one text at most."""
    requests: Any = [("x", role) for role, _ in texts]
    lengths = [length for _, length in texts]
    shares = [chunks_of(requests, lengths, chunk, rank, size) for rank in range(size)]
    pieces = [piece for share in shares for piece in share]
    assert sorted(i for piece in pieces for i in piece.positions) == list(range(len(texts)))
    assert all({texts[i][0] for i in piece.positions} == {piece.role} for piece in pieces)
    assert all(len(piece.positions) <= (chunk or len(texts)) for piece in pieces)
    counts = [sum(len(piece.positions) for piece in share) for share in shares]
    assert max(counts) - min(counts) <= 1


class Misbehaving(Objective):
    """An objective of somebody who did not read the page."""

    def __init__(self, what: str) -> None:
        super().__init__(ObjectiveOptions())
        self.what = what

    def texts(self, rows: Any, rng: Random) -> dict[str, Texts]:
        """Ask for one text, perhaps with too few languages."""
        return {"all": Texts(["water", "stone"], ["en"] if self.what == "languages" else ["en", "en"])}

    def forward(self, views: Any) -> Any:
        """Return no scalar, or none at all."""
        if self.what == "raises":
            raise KeyError("all texts")
        return 1.0 if self.what == "float" else views["all"].vectors.sum(dim=1)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("languages", "'theirs' failed in texts: ValueError"),
        ("raises", "'theirs' failed in forward: KeyError: 'all texts'"),
        ("float", "'theirs' failed in forward: TypeError: the loss is a float, not a tensor"),
        ("shape", r"'theirs' failed in forward: TypeError: the loss has the shape \(2,\), and must be a scalar"),
    ],
)
def test_an_error_of_an_objective_names_it(make_backbone: Make, what: str, told: str) -> None:
    """Anybody may have written it: it is no defect of the harness."""
    member = Member("theirs", Misbehaving(what), 1.0, {"texts": "texts"}, Random(0))
    with pytest.raises(HarnessError, match=told):
        gradients(make_backbone(), [member], {"texts": []}, seed=1)

"""Distillation: what the teacher reads, what follows it, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import harness_lamir
import pytest
import torch
from harness_lamir.backbones import building, locating
from harness_lamir.data.rows import Translation
from harness_lamir.encoder import weights_fingerprint
from harness_lamir.losses import distillation
from harness_lamir.objectives.base import View
from harness_lamir.objectives.distil import Distil
from harness_lamir.objectives.options import DistilOptions

from harness.errors import UsageError

Look = Callable[..., dict[str, View]]
Make = Callable[..., Any]

PAIRS = [Translation("cold water", "maji baridi", "sw"), Translation("a stone", "kivi", "fi")]
PAIRS += [Translation("water here", "maji hapa", "sw")]


@pytest.fixture
def teacher(make_backbone: Make, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A teacher of other dimensions, in place of one that is loaded."""
    backbone = make_backbone(dim=12, seed=5, dropout=0.5)
    monkeypatch.setattr(building, "load_backbone", lambda folder: backbone)
    return backbone


def test_only_the_teachers_view_is_its_own(make_backbone: Make, teacher: Any) -> None:
    """It reads the English side; it is frozen, in evaluation mode, and no part of the training state."""
    objective = Distil(DistilOptions(teacher="."))
    with pytest.raises(RuntimeError, match="attach"):
        objective.teacher("teacher")  # the student must never teach itself
    objective.attach(make_backbone())
    objective.train()
    assert (objective.teacher("teacher"), objective.teacher("english")) == (teacher, None)
    assert not teacher.training and not any(p.requires_grad for p in teacher.parameters())
    assert list(objective.parameters()) == [] and not objective.state_dict()
    asked = objective.texts({"pairs": PAIRS}, Random(0))
    assert asked["teacher"] == asked["english"] and set(asked) == {"english", "other", "teacher"}


def test_the_loss_is_both_sides(make_backbone: Make, teacher: Any, look: Look) -> None:
    """English against English without itself, the other side against English, both against the teacher's rows."""
    backbone = make_backbone()
    objective = Distil(DistilOptions(teacher=".", temperature=0.1, teacher_temperature=0.2))
    objective.attach(backbone)
    views = look(objective, backbone, {"pairs": PAIRS})
    e, o, t = (views[name].vectors for name in ("english", "other", "teacher"))
    assert e.requires_grad and o.requires_grad and not t.requires_grad and t.shape[1] == 12
    within = distillation(e, e, t, t, 0.1, 0.2, exclude=torch.eye(3, dtype=torch.bool))
    across = distillation(o, e, t, t, 0.1, 0.2)
    torch.testing.assert_close(objective(views), (within + across) / 2)
    single = look(objective, backbone, {"pairs": PAIRS[:1]})
    assert objective(single).item() == pytest.approx(0, abs=1e-6)


def test_training_brings_translations_to_the_teachers_places(make_backbone: Make, teacher: Any, look: Look) -> None:
    """Descent on the loss makes both sides' similarities the teacher's, and puts translations side by side."""
    backbone = make_backbone(dim=8, seed=1)
    objective = Distil(DistilOptions(teacher=".", temperature=0.2, teacher_temperature=0.2))
    objective.attach(backbone)
    optimizer = torch.optim.Adam(backbone.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        loss = objective(look(objective, backbone, {"pairs": PAIRS}))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 20
    views = look(objective, backbone, {"pairs": PAIRS})
    nearest = (views["other"].vectors @ views["english"].vectors.T).argmax(dim=1)
    assert nearest.tolist() == [0, 1, 2]


def test_a_teacher_is_loaded_from_its_folder(make_backbone: Make, look: Look) -> None:
    """The shipped checkpoint teaches; a folder that holds no model is refused before training."""
    checkpoint = Path(harness_lamir.__file__).parent / "checkpoint"
    objective = Distil(DistilOptions(teacher=str(checkpoint)))
    backbone = make_backbone()
    objective.attach(backbone)
    views = look(objective, backbone, {"pairs": PAIRS})
    t = views["teacher"].vectors
    assert float(t[0] @ t[2]) > float(t[0] @ t[1])  # "cold water" is nearer to "water here" than to "a stone"
    assert bool(objective(views).isfinite())
    with pytest.raises(UsageError):
        Distil(DistilOptions(teacher=str(Path(__file__).parent))).attach(backbone)


def test_a_teacher_may_come_from_a_package_or_the_hub(make_backbone: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's folder as it is; a hub id with its commit, in either of two places, and never without one."""
    backbone = make_backbone()
    objective = Distil(DistilOptions(teacher="package:harness_lamir/checkpoint"))
    objective.attach(backbone)
    digest = objective.reads()["teacher"]
    assert len(digest) == 64 and digest != weights_fingerprint(backbone)

    asked = []

    def snapshot(name: str, commit: str, where: str, *, weights: bool) -> Path:
        asked.append((name, commit))
        return Path(harness_lamir.__file__).parent / "checkpoint"

    monkeypatch.setattr(locating, "_snapshot", snapshot)
    for options in (
        DistilOptions(teacher="acme/teacher", revision="a" * 40),
        DistilOptions(teacher="acme/teacher@" + "a" * 40),
    ):
        hub = Distil(options)
        hub.attach(backbone)
        assert hub.reads() == {"teacher": digest}
    assert asked == [("acme/teacher", "a" * 40)] * 2
    for unpinned in ("acme/teacher", "acme/teacher@main"):
        with pytest.raises(ValueError, match="commit of 40 digits"):
            DistilOptions(teacher=unpinned)

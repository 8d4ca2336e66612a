"""Queues: what they hold, in which order, and that a state dict brings it all back."""

from __future__ import annotations

from collections import deque

import pytest
import torch
from harness_lamir.objectives.queues import LanguageBanks, Queue
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.integers(0, 7), st.lists(st.integers(0, 9), max_size=8))
@settings(deadline=None)
def test_a_queue_holds_the_last_rows_in_order(size: int, batches: list[int]) -> None:
    """Whatever the sizes of batches: the contents are those of a deque of bounded length."""
    queue, expected = Queue(size, 1), deque[float](maxlen=size)
    count = 0
    for batch in batches:
        rows = [float(count + i) for i in range(batch)]
        count += batch
        queue.push(torch.tensor(rows).reshape(-1, 1))
        expected.extend(rows)
        assert queue.contents().flatten().tolist() == list(expected)
    assert int(queue.pushed) == count


def test_queued_rows_carry_no_gradient() -> None:
    """Neither do rows remember how they were made, nor does a later push change what was handed out."""
    queue = Queue(2, 2)
    queue.push(torch.ones(2, 2, requires_grad=True) * 3)
    before = queue.contents()
    queue.push(torch.zeros(2, 2))
    assert not before.requires_grad and bool((before == 3).all())


def test_banks_keep_languages_apart() -> None:
    """Each language has its own bound and its own order; one without rows is empty."""
    banks = LanguageBanks(2, 1)
    banks.push(torch.arange(5.0).reshape(5, 1), ["sw", "to", "sw", "sw", "to"])
    banks.push(torch.tensor([[5.0]]), ["to"])
    kept = banks.contents(["to", "sw", "to", "zh-Hant.x"])
    assert {language: rows.flatten().tolist() for language, rows in kept.items()} == {
        "to": [4.0, 5.0],
        "sw": [2.0, 3.0],
        "zh-Hant.x": [],
    }


@pytest.mark.parametrize("language", ["to", "type", "train", "a.b", "a%2Eb", "keys"])
def test_any_code_names_a_bank(language: str) -> None:
    """Codes that are also attributes of modules, or hold a dot, do not clash."""
    banks = LanguageBanks(1, 1)
    banks.push(torch.ones(1, 1), [language])
    banks.push(torch.zeros(1, 1), ["a.b" if language != "a.b" else "a%2Eb"])
    again = LanguageBanks(1, 1)
    again.load_state_dict(banks.state_dict())
    assert again.contents([language])[language].tolist() == [[1.0]] or language == "a.b"


def test_a_state_dict_brings_queues_back() -> None:
    """The next push falls in the same place; banks of unknown languages are made, others are dropped."""
    queue, banks = Queue(3, 2), LanguageBanks(3, 2)
    rows = torch.randn(5, 2)
    queue.push(rows)
    banks.push(rows, ["sw", "te", "te", "te", "te"])
    other_queue, other_banks = Queue(3, 2), LanguageBanks(3, 2)
    other_banks.push(rows, ["fi"] * 5)
    other_queue.load_state_dict(queue.state_dict())
    other_banks.load_state_dict(banks.state_dict())
    for each in (queue, other_queue):
        each.push(rows[:1])
    for both in (banks, other_banks):
        both.push(rows[:1], ["te"])
    assert torch.equal(queue.contents(), other_queue.contents())
    for language in ("sw", "te", "fi"):
        assert torch.equal(banks.contents([language])[language], other_banks.contents([language])[language])

"""Draws follow the formula, and a saved state of the generator draws the same again."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from harness_lamir.data.loading import Streams
from harness_lamir.data.rows import Pair, Row, Text
from harness_lamir.data.streams import Group, RowStream, temperature_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError

SIZES = {"big": {"aa": 900, "bb": 90, "cc": 10}, "small": {"aa": 5, "dd": 45}}
SHARES = {"big": 3.0, "small": 1.0}


def make_stream(
    alpha: float = 0.5, *, same_language: bool = False, sizes: dict[str, dict[str, int]] = SIZES
) -> RowStream:
    """A stream of texts that say which source, language and row they are; a source's rows are one table."""
    groups = []
    for source, languages in sizes.items():
        table: list[Row] = [Text(f"{source} {code} {n}", code) for code, size in languages.items() for n in range(size)]
        for code, weight in temperature_weights(SHARES[source], languages, alpha).items():
            numbers = np.array([at for at, row in enumerate(table) if row.language == code])
            groups.append(Group(source, code, table, numbers, weight))
    return RowStream("texts", "text", groups, batch_size=8, same_language=same_language)


def expected(alpha: float) -> dict[tuple[str, str], float]:
    """The probability of each source and language, by the formula."""
    total = sum(SHARES.values())
    return {
        (source, code): SHARES[source] / total * size**alpha / sum(n**alpha for n in sizes.values())
        for source, sizes in SIZES.items()
        for code, size in sizes.items()
    }


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_draws_follow_the_formula(alpha: float) -> None:
    """Shares of 40,000 draws lie within five standard errors of share · n ** alpha / Σ n ** alpha."""
    count = 40_000
    drawn = Counter(tuple(row.text.split()[:2]) for row in make_stream(alpha).draw(Random(1), count))
    for key, probability in expected(alpha).items():
        error = (probability * (1 - probability) / count) ** 0.5
        assert drawn[key] / count == pytest.approx(probability, abs=5 * error), key


def test_rows_of_a_language_are_drawn_evenly() -> None:
    """Every row of a group comes up as often as the others, and with replacement."""
    drawn = Counter(row.text for row in make_stream().draw(Random(2), 20_000) if row.text.startswith("small dd"))
    assert len(drawn) == 45
    mean = drawn.total() / 45
    assert all(abs(count - mean) < 5 * mean**0.5 for count in drawn.values())


def test_batches_of_one_language() -> None:
    """Each is of one language, of all sources that have it, and languages come as often as they do in single rows."""
    stream = make_stream(same_language=True)
    rng = Random(3)
    batches = [stream.draw(rng, 40) for _ in range(4000)]
    assert all(len({row.language for row in batch}) == 1 for batch in batches)
    drawn = Counter(batch[0].language for batch in batches)
    for code in ("aa", "bb", "cc", "dd"):
        probability = sum(p for (_, language), p in expected(0.5).items() if language == code)
        error = (probability * (1 - probability) / len(batches)) ** 0.5
        assert drawn[code] / len(batches) == pytest.approx(probability, abs=5 * error)
    assert {row.text.split()[0] for batch in batches if batch[0].language == "aa" for row in batch} == {"big", "small"}
    assert len({row.language for row in stream.sample(rng, 200)}) > 1


@pytest.mark.parametrize("same_language", [False, True])
def test_a_saved_state_draws_the_same_again(same_language: bool) -> None:
    """Nothing but the generator has a state: another stream, made anew, goes on exactly."""
    rng = Random(4)
    stream = make_stream(same_language=same_language)
    held = stream.hold_out(Random(9), 20)
    for _ in range(5):
        stream.draw(rng, 16)
    state = rng.getstate()
    ahead = [stream.draw(rng, 16) for _ in range(5)]
    resumed = make_stream(same_language=same_language)
    assert resumed.hold_out(Random(9), 20) == held
    other = Random(0)
    other.setstate(state)
    assert [resumed.draw(other, 16) for _ in range(5)] == ahead


def test_rows_that_are_held_out_are_never_drawn() -> None:
    """They are distinct, spread over groups, gone for good; counts follow, and a group keeps half of its rows."""
    stream = make_stream(0.0)
    held = stream.hold_out(Random(5), 120)
    assert len({row.text for row in held}) == 120
    drawn = {row.text for row in stream.draw(Random(6), 30_000)}
    assert not drawn & {row.text for row in held}
    assert stream.rows == 1050 - 120
    assert stream.languages["cc"] == 5  # drawn as often as the others, it gave half of its ten rows
    assert sum(stream.languages.values()) == stream.rows


def test_too_many_rows_to_hold_out_are_refused() -> None:
    """Half of every group can be spared: 450 + 45 + 5 + 2 + 22."""
    stream = make_stream()
    with pytest.raises(UsageError, match="525 rows are to be held out of the stream 'texts', but at most 524"):
        stream.hold_out(Random(0), 525)
    assert stream.rows == 1050
    assert len(stream.hold_out(Random(0), 524)) == 524


def test_a_language_of_one_row_keeps_it() -> None:
    """Half of one row is none: it is never held out, however often its language would be drawn."""
    many: list[Row] = [Text(f"many {i}", "aa") for i in range(10)]
    groups = [Group("s", "aa", many, np.arange(10), 0.01), Group("s", "bb", [Text("one", "bb")], np.arange(1), 0.99)]
    stream = RowStream("texts", "text", groups, batch_size=4)
    assert len(stream.hold_out(Random(0), 5)) == 5
    assert stream.languages == {"aa": 5, "bb": 1}
    assert len(stream.draw(Random(1), 50)) == 50


def test_hard_negatives_are_drawn_with_the_rows() -> None:
    """A pair comes with as many of its negatives as the stream draws, distinct ones; none where it draws none."""
    table: list[Row] = [Pair("q", "p", ("a", "b", "c", "d"))]
    group = Group("s", "en", table, np.array([0]), 1.0)
    drawn = RowStream("ir", "ir", [group], batch_size=4, hard_negatives=2).draw(Random(7), 500)
    assert all(isinstance(row, Pair) and len(set(row.negatives)) == 2 for row in drawn)
    assert len({frozenset(row.negatives) for row in drawn if isinstance(row, Pair)}) == 6
    assert RowStream("ir", "ir", [group], batch_size=4).draw(Random(7), 3) == [Pair("q", "p")] * 3


@given(
    st.dictionaries(st.text(min_size=1), st.integers(1, 10**9), min_size=1, max_size=8),
    st.floats(0, 1),
    st.floats(0.01, 100),
)
@settings(deadline=None)
def test_weights_of_a_source_add_up_to_its_share(sizes: dict[str, int], alpha: float, share: float) -> None:
    """And never give a smaller language more than a larger one."""
    weights = temperature_weights(share, sizes, alpha)
    assert sum(weights.values()) == pytest.approx(share)
    ordered = sorted(sizes, key=lambda code: sizes[code])
    assert all(weights[a] <= weights[b] * (1 + 1e-12) for a, b in pairwise(ordered))


def test_every_row_comes_once() -> None:
    """Going through a stream gives what can be drawn: all rows but those that are held out, whole, again and again."""
    stream = make_stream()
    every = Counter(row.text for row in stream)
    assert every.total() == stream.rows == 1050 and max(every.values()) == 1
    held = {row.text for row in stream.hold_out(Random(4), 200)}
    left = [row.text for row in stream]
    assert len(left) == stream.rows == 850 and set(left) == set(every) - held
    assert [row.text for row in stream] == left
    assert {row.text for row in stream.draw(Random(5), 500)} <= set(left)
    pairs: list[Row] = [Pair("q", "p", ("n", "m"))]
    only = RowStream("ir", "ir", [Group("s", "en", pairs, np.array([0]), 1.0)], batch_size=1, hard_negatives=1)
    assert list(only) == pairs


def test_rows_of_a_kind() -> None:
    """All streams of the kind, one after another; none where there is none."""
    first, second = make_stream(), make_stream(sizes={"big": {"aa": 2}})
    streams = Streams({"one": first, "two": second}, [])
    assert [row.text for row in streams.rows("text") if isinstance(row, Text)] == [
        row.text for stream in (first, second) for row in stream
    ]
    assert list(streams.rows("ir")) == []

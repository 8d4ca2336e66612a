"""Filling a space: every text once, contracts enforced, and interruptions that leave no trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness._util.fingerprint import digests
from harness.encoders.protocols import EncoderInfo
from harness.engine import encode
from harness.engine.encode import encode_checked, fill, missing
from harness.engine.store import EmbeddingStore, Space
from harness.engine.texts import Questions
from harness.errors import EncoderContractError
from harness.sources.collection import Queries


def _space(root: Path, info: EncoderInfo) -> Space:
    return EmbeddingStore(root).space(info, "passage", None)


def _fill(space: Space, encoder: Any, texts: Sequence[str], advance: Callable[[int], None] = lambda n: None) -> int:
    questions = Questions(Queries(tuple(map(str, range(len(texts)))), tuple(texts)), "sw")
    return fill(space, encoder, questions, role="passage", advance=advance)


def _missing(space: Space, texts: Sequence[str]) -> list[str]:
    return [texts[position] for position in missing(space, digests(texts))]


class Answering:
    """An encoder that returns what it is given."""

    def __init__(self, returned: Any, **info: Any) -> None:
        self.info = EncoderInfo(**{"name": "answering", "dim": 3, "fingerprint": "a" * 64, **info})
        self._returned = returned

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> Any:
        """The same for every text."""
        return self._returned


class Batchwise:
    """An encoder whose vectors depend on the texts beside them, as padding makes real ones do in the last bits."""

    info = EncoderInfo(name="batchwise", dim=3, fingerprint="b" * 64, similarity="dot", normalized=False)

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.calls = 0

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """(own number, first number, sum) of the batch; KeyboardInterrupt after `stop_after` calls."""
        if self.calls == self.stop_after:
            raise KeyboardInterrupt
        self.calls += 1
        numbers = np.array([int(text) for text in texts], np.float32)
        return np.stack([numbers, np.full_like(numbers, numbers[0]), np.full_like(numbers, numbers.sum())], axis=1)


def test_equal_texts_are_encoded_once(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Repeats within a call, and texts of earlier calls, cost nothing; order of first appearance is kept."""
    encoder = toy_encoder()
    space = _space(tmp_path, encoder.info)
    assert _fill(space, encoder, ["b", "a", "b", "a", "c"]) == 3
    assert encoder.encoded == ["b", "a", "c"]
    assert _fill(space, encoder, ["c", "d", "a", "d"]) == 1
    assert encoder.encoded == ["b", "a", "c", "d"]
    assert _fill(space, encoder, ["a", "b", "c", "d"]) == 0
    assert len(space) == 4


def test_missing_texts_keep_the_order_of_first_appearance(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """Chunks are cut from this list, so its order must be a function of the texts and of the space alone."""
    encoder = toy_encoder()
    space = _space(tmp_path, encoder.info)
    _fill(space, encoder, ["k"])
    assert _missing(space, ["z", "k", "a", "z", "m", "a"]) == ["z", "a", "m"]
    assert _missing(space, []) == []


def test_role_and_language_reach_the_encoder(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """The encoder is told which side of the search a text stands on and its language."""
    encoder = toy_encoder()
    _fill(_space(tmp_path, encoder.info), encoder, ["a"])
    assert encoder.calls == [("passage", "sw", ["a"])]


def test_progress_adds_up(tmp_path: Path, toy_encoder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """`advance` is told of every encoded text exactly once, chunk by chunk."""
    monkeypatch.setattr(encode, "CHUNK", 4)
    encoder = toy_encoder()
    told: list[int] = []
    assert _fill(_space(tmp_path, encoder.info), encoder, [f"t{i}" for i in range(10)], told.append) == 10
    assert told == [4, 4, 2]


@pytest.mark.parametrize(
    "returned",
    [np.zeros((1, 3)), np.zeros((2, 4)), np.zeros((3, 3)), np.zeros(6), np.zeros((2, 3, 1)), np.float32(0.0)],
    ids=["too few rows", "wrong dim", "too many rows", "flat", "three axes", "scalar"],
)
def test_wrong_shape_breaks_the_contract(returned: Any) -> None:
    """An array that is not (texts, dim) is refused by name, with what was expected."""
    with pytest.raises(EncoderContractError, match=r"'answering'.*shape") as caught:
        encode_checked(Answering(returned), ["a", "b"], role="query", language=None)
    assert "(2, 3)" in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39], ids=["nan", "inf", "-inf", "beyond float32"])
def test_values_that_are_not_finite_break_the_contract(bad: float) -> None:
    """NaN and infinity are refused, and the message shows the text they were made from."""
    returned = np.zeros((3, 3), dtype=np.float64)
    returned[1, 2] = bad
    with np.errstate(over="ignore"), pytest.raises(EncoderContractError, match="second"):
        encode_checked(Answering(returned), ["first", "second", "third"], role="query", language=None)


def test_what_was_committed_before_a_violation_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that breaks the contract ends the run without losing the chunks committed before it."""
    monkeypatch.setattr(encode, "CHUNK", 2)
    monkeypatch.setattr(encode, "SHARD_SECONDS", 0.0)
    encoder = Answering(np.ones((2, 3)))
    space = _space(tmp_path, encoder.info)
    with pytest.raises(EncoderContractError):
        _fill(space, encoder, ["a", "b", "c", "d", "e"])
    assert _missing(_space(tmp_path, encoder.info), ["a", "b", "c", "d", "e"]) == ["e"]


def test_cosine_without_normalized_is_normalised() -> None:
    """Vectors of an encoder that declares cosine and leaves normalising to others are brought to unit length."""
    encoder = Answering(np.array([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]]), similarity="cosine", normalized=False)
    vectors = encode_checked(encoder, ["a", "b"], role="query", language=None)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[0.6, 0.0, 0.8], [0.0, 0.0, 0.0]], atol=1e-7)


@pytest.mark.parametrize(("similarity", "normalized"), [("dot", False), ("cosine", True), ("dot", True)])
def test_other_vectors_are_left_alone(similarity: str, normalized: bool) -> None:
    """Inner-product vectors keep their length, and those declared normalised are not touched again."""
    returned = np.array([[3.0, 0.0, 4.0]])
    encoder = Answering(returned, similarity=similarity, normalized=normalized)
    assert np.array_equal(encode_checked(encoder, ["a"], role="query", language=None), returned)


def test_shards_are_cut_at_chunk_boundaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks gather until a shard is due, by texts or by time, and the rest is committed at the end."""
    monkeypatch.setattr(encode, "CHUNK", 3)
    monkeypatch.setattr(encode, "SHARD_TEXTS", 6)
    space = _space(tmp_path, Batchwise.info)
    _fill(space, Batchwise(), [str(i) for i in range(10)])
    rows = [len(np.load(path)) for path in sorted(space.folder.glob("*.keys.npy"))]
    assert rows == [6, 4]


@pytest.mark.parametrize("shard_texts", [1, 6, 10_000])
def test_interrupted_and_resumed_gives_the_same_bytes(
    shard_texts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after any chunk, once or again and again, a run ends with the vectors of an uninterrupted one."""
    monkeypatch.setattr(encode, "CHUNK", 3)
    monkeypatch.setattr(encode, "SHARD_TEXTS", shard_texts)
    texts = [str(i * i % 23) for i in range(24)]
    distinct = list(dict.fromkeys(texts))
    chunks = -(-len(distinct) // 3)

    def vectors(root: Path) -> bytes:
        space = _space(root, Batchwise.info)
        return np.array(space.read(space.locate(digests(distinct)))).tobytes()

    _fill(_space(tmp_path / "whole", Batchwise.info), Batchwise(), texts)
    expected = vectors(tmp_path / "whole")
    for stop in range(chunks):
        root = tmp_path / f"stopped-{stop}"
        with pytest.raises(KeyboardInterrupt):
            _fill(_space(root, Batchwise.info), Batchwise(stop_after=stop), texts)
        committed = len(_space(root, Batchwise.info))
        assert committed % 3 == 0
        assert committed == stop * 3 // max(shard_texts, 3) * max(shard_texts, 3)
        assert _fill(_space(root, Batchwise.info), Batchwise(), texts) == len(distinct) - committed
        assert vectors(root) == expected

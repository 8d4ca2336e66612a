"""The torch base class, on toy networks: order, padding, batches, pooling, prompts, precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from harness.encoders.base import TorchEncoder
from harness.encoders.protocols import Encoder, EncoderInfo
from harness.errors import UsageError

_DIM = 8
_INFO = EncoderInfo(name="toy", dim=_DIM, fingerprint="toy", max_tokens=64)


class Toy(TorchEncoder):
    """Characters as tokens, an embedding, and one layer of attention that honours the mask."""

    pad_id = 500

    def __init__(self, info: EncoderInfo = _INFO, **options: Any) -> None:
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(_DIM, 2, 16, dropout=0.5, batch_first=True)
        module = nn.ModuleDict({"embed": nn.Embedding(512, _DIM), "layer": layer})
        super().__init__(module, info, **{"device": "cpu", **options})
        self.shapes: list[tuple[int, ...]] = []
        self.tokens: list[int] = []

    def tokenize(self, texts: list[str]) -> list[Sequence[int]]:
        """One id a character, cut at max_tokens; a mark for the end keeps empty texts from being empty."""
        return [[ord(c) % 499 for c in text[: (self.info.max_tokens or 10**9) - 1]] + [499] for text in texts]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embedding and attention → (B, L, D)."""
        states = self._embed(input_ids, attention_mask)
        return self.module["layer"](states, src_key_padding_mask=~attention_mask)  # type: ignore[index,no-any-return]

    def _embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        self.shapes.append(tuple(input_ids.shape))
        self.tokens.extend(attention_mask.sum(1).tolist())
        return self.module["embed"](input_ids)  # type: ignore[index,no-any-return]


class Plain(Toy):
    """The embedding alone: pooling can be done by hand."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings (B, L, D)."""
        return self._embed(input_ids, attention_mask)


class Pooled(Toy):
    """A network that pools by itself."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The first embedding, times ten (B, D)."""
        return 10 * self.module["embed"](input_ids)[:, 0]  # type: ignore[index,no-any-return]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The networks are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


_TEXTS = ["", "a", "a longer text of several words", "b", "the longest text " * 5, "çé世界", "a", "mid size"]


def _weights(encoder: TorchEncoder) -> np.ndarray:
    return encoder.module["embed"].weight.detach().numpy().astype(np.float64)  # type: ignore[index,union-attr,no-any-return]


def test_is_an_encoder() -> None:
    """A subclass satisfies the protocol as it is."""
    assert isinstance(Toy(), Encoder)


@pytest.mark.parametrize("batch_tokens", [1, 40, 100, 16_384])
def test_rows_belong_to_their_texts(batch_tokens: int) -> None:
    """Whatever the batches, row i is the vector of text i, as if it had been encoded alone."""
    encoder = Toy(batch_tokens=batch_tokens)
    together = encoder.encode(_TEXTS, role="passage")
    alone = np.concatenate([Toy().encode([text], role="passage") for text in _TEXTS])
    assert together.shape == (len(_TEXTS), _DIM) and together.dtype == np.float32
    assert np.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_never_changes_a_vector(pooling: Any) -> None:
    """A short text beside a long one has the vector it has alone, whatever the padding's embedding is."""
    encoder = Toy(pooling=pooling)
    before = encoder.encode(["short"], role="query")
    with torch.no_grad():
        encoder.module["embed"].weight[encoder.pad_id] = 1e4  # type: ignore[index,union-attr]
    after = encoder.encode(["short", "a very much longer text than that"], role="query")
    assert encoder.shapes[-1] == (2, 34)
    assert np.allclose(after[:1], before, atol=1e-5)


def test_mean_pooling() -> None:
    """Mean pooling is the mean over a text's own tokens, against numpy in float64."""
    encoder = Plain(replace(_INFO, normalized=False))
    expected = [_weights(encoder)[list(encoder.tokenize([text])[0])].mean(axis=0) for text in _TEXTS]
    assert np.allclose(encoder.encode(_TEXTS, role="query"), expected, atol=1e-6)


def test_cls_pooling() -> None:
    """CLS pooling is the state of the first token."""
    encoder = Plain(replace(_INFO, normalized=False), pooling="cls")
    expected = [_weights(encoder)[encoder.tokenize([text])[0][0]] for text in _TEXTS]
    assert np.allclose(encoder.encode(_TEXTS, role="query"), expected, atol=1e-6)


def test_vectors_of_the_network_are_taken_as_they_are() -> None:
    """A forward that returns (B, D) is not pooled again."""
    encoder = Pooled(replace(_INFO, normalized=False))
    expected = [10 * _weights(encoder)[encoder.tokenize([text])[0][0]] for text in _TEXTS]
    assert np.allclose(encoder.encode(_TEXTS, role="query"), expected, atol=1e-5)


def test_normalisation() -> None:
    """With `normalized` every vector is the raw one divided by its length."""
    raw = Plain(replace(_INFO, normalized=False)).encode(_TEXTS, role="query").astype(np.float64)
    unit = Plain().encode(_TEXTS, role="query")
    assert np.allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    assert not np.allclose(np.linalg.norm(raw, axis=1), 1, atol=1e-2)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 63), min_size=1, max_size=40), st.integers(1, 300))
def test_batches_respect_the_budget(lengths: list[int], budget: int) -> None:
    """Rows × longest row stays within the budget, except for one row that is longer; every text is in one batch."""
    encoder = Plain(batch_tokens=budget)
    encoder.encode(["x" * length for length in lengths], role="passage")
    assert all(rows * longest <= budget or rows == 1 for rows, longest in encoder.shapes)
    assert sorted(encoder.tokens) == sorted(min(length, 63) + 1 for length in lengths)


def test_longest_batch_comes_first() -> None:
    """The batch that could run out of memory is the first one, not the last."""
    encoder = Toy(batch_tokens=64)
    encoder.encode([text for text in _TEXTS for _ in range(3)], role="passage")
    widths = [longest for _, longest in encoder.shapes]
    assert len(widths) > 2 and widths == sorted(widths, reverse=True)


def test_batches_are_filled() -> None:
    """Equal texts fill each batch to the budget: no forward is wasted."""
    encoder = Toy(batch_tokens=40)
    encoder.encode(["123456789"] * 10, role="passage")  # ten ids each with the mark
    assert encoder.shapes == [(4, 10), (4, 10), (2, 10)]


def test_prompts_by_role() -> None:
    """The prompt of the role is put before each text, and only before texts of that role."""
    encoder = Toy(replace(_INFO, prompts={"query": "query: "}))
    bare = Toy()
    assert np.allclose(encoder.encode(["who?"], role="query"), bare.encode(["query: who?"], role="query"), atol=1e-6)
    assert np.allclose(encoder.encode(["who?"], role="passage"), bare.encode(["who?"], role="passage"), atol=1e-6)


def test_no_texts() -> None:
    """An empty list is an empty array of the right width, and the network is not called."""
    encoder = Toy()
    vectors = encoder.encode([], role="query")
    assert vectors.shape == (0, _DIM) and vectors.dtype == np.float32
    assert encoder.shapes == []


def test_texts_are_not_mutated() -> None:
    """The caller's list stays as it was, and a tuple is as good as a list."""
    texts = ["b", "a longer one"]
    encoder = Toy()
    vectors = encoder.encode(texts, role="query")
    assert texts == ["b", "a longer one"]
    assert np.array_equal(encoder.encode(tuple(texts), role="query"), vectors)


def test_dropout_is_off() -> None:
    """The network runs in evaluation mode and without gradients: twice the same is the same."""
    encoder = Toy()
    assert np.array_equal(encoder.encode(_TEXTS, role="query"), encoder.encode(_TEXTS, role="query"))
    assert not encoder.module.training


def test_text_without_tokens_is_finite() -> None:
    """A tokenizer that gives a text no id at all leads to a zero vector, never to NaN."""

    class Empty(Plain):
        def tokenize(self, texts: list[str]) -> list[Sequence[int]]:
            return [[] for _ in texts]

    assert not Empty().encode(["x", "y"], role="query").any()


@pytest.mark.parametrize(("dtype", "resolved"), [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")])
def test_precision_is_resolved_and_declared(dtype: str, resolved: str) -> None:
    """Weights run in the precision that was asked for, info says which and where, and vectors are float32 anyway."""
    encoder = Plain(dtype=dtype)
    assert (encoder.info.dtype, encoder.info.device) == (resolved, "cpu")
    assert encoder.module["embed"].weight.dtype == getattr(torch, resolved)  # type: ignore[index,union-attr]
    vectors = encoder.encode(_TEXTS, role="query")
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, Plain().encode(_TEXTS, role="query"), atol=1e-6 if resolved == "float32" else 2e-2)


@pytest.mark.parametrize("options", [{"batch_tokens": 0}, {"device": "gpu"}, {"dtype": "fp8"}])
def test_options_that_are_refused(options: dict[str, Any]) -> None:
    """Budgets below one, unknown devices and precisions are usage errors."""
    with pytest.raises(UsageError):
        Toy(**options)


def test_tokenizer_of_transformers() -> None:
    """A tokenizer in the style of Hugging Face is called with the limit, and its padding id is used."""
    calls: list[dict[str, Any]] = []

    class Tokenizer:
        pad_token_id = 7

        def __call__(self, texts: list[str], **options: Any) -> dict[str, list[list[int]]]:
            calls.append(options)
            limit = options["max_length"] if options["truncation"] else None
            return {"input_ids": [[ord(c) % 499 for c in text][:limit] for text in texts]}

    class Hugging(Plain):
        tokenize = TorchEncoder.tokenize

    encoder = Hugging(replace(_INFO, max_tokens=3, normalized=False), tokenizer=Tokenizer())
    assert encoder.pad_id == 7
    vectors = encoder.encode(["abcdef", "ab"], role="query")
    assert calls == [{"truncation": True, "max_length": 3, "padding": False}]
    table = _weights(encoder)
    expected = [table[[ord(c) % 499 for c in text]].mean(axis=0) for text in ("abc", "ab")]
    assert np.allclose(vectors, expected, atol=1e-6)


def test_encoder_without_tokenizer_says_what_is_missing() -> None:
    """An author who gave neither tokenizer nor tokenize() is told so."""

    class Nothing(Plain):
        tokenize = TorchEncoder.tokenize

    with pytest.raises(TypeError, match="Nothing has no tokenizer: pass one, or implement tokenize"):
        Nothing().encode(["x"], role="query")

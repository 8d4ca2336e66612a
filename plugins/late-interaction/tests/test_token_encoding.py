"""Token ids and vectors against forward passes written here, and against sentence-transformers."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_late_interaction.encoding import TokenEncoder
from harness_late_interaction.plugin import LateInteractionOptions
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertModel, XmodConfig, XmodModel

from harness.encoders.protocols import Role
from harness.errors import UsageError

Builder = Callable[..., Path]


def load(folder: Path, **options: Any) -> TokenEncoder:
    """The encoder on the CPU."""
    return TokenEncoder(LateInteractionOptions(model=str(folder), device="cpu", **options))


def vectors(encoder: TokenEncoder, texts: list[str], role: Role, language: str | None = None) -> list[Any]:
    """Vectors of `texts`, in order."""
    found = dict(encoder.vectors(encoder.rows(texts, role), encoder.adapter(role, language)))
    return [found[i] for i in range(len(texts))]


def stanford(folder: Path, text: str, role: Role, language: str = "en_XX") -> NDArray[np.float64]:
    """What colbert-ai computes for one text: padded, and the marker put in after the first token."""
    said = json.loads((folder / "artifact.metadata").read_text())
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    kind, prefix = (XmodModel, "roberta.") if config["model_type"] == "xmod" else (BertModel, "bert.")
    model = kind((XmodConfig if kind is XmodModel else BertConfig)(**config), add_pooling_layer=False).double().eval()
    model.load_state_dict({n.removeprefix(prefix): w.double() for n, w in weights.items() if n.startswith(prefix)})
    if kind is XmodModel:
        model.set_default_language(language)
    query = role == "query"
    length = said["query_maxlen" if query else "doc_maxlen"]
    padding = "max_length" if query else False
    read = tokenizer(text, padding=padding, truncation=True, max_length=length - 1, return_tensors="pt")
    marker = tokenizer.convert_tokens_to_ids(said["query_token_id" if query else "doc_token_id"])
    ids, mask = (
        torch.cat([part[:, :1], torch.tensor([[new]]), part[:, 1:]], dim=1)
        for part, new in ((read["input_ids"], marker), (read["attention_mask"], 1))
    )
    if query:
        ids[ids == tokenizer.pad_token_id] = tokenizer.mask_token_id
        if said["attend_to_mask_tokens"]:
            mask[:] = 1
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state[0] @ weights["linear.weight"].double().T
    if not query and said["mask_punctuation"]:
        skip = {tokenizer.encode(symbol, add_special_tokens=False)[0] for symbol in string.punctuation}
        states = states[[int(i) not in skip for i in ids[0]]]
    return torch.nn.functional.normalize(states, dim=-1).numpy()


@pytest.mark.parametrize("attend", [False, True])
def test_colbert_vectors_are_those_of_stanfords_code(
    bert_colbert: Builder, sentences: tuple[str, ...], attend: bool
) -> None:
    """Both roles, texts that are cut and texts that are filled, among texts of other lengths."""
    folder = bert_colbert(attend_to_mask_tokens=attend)
    texts = [*sentences, "", "?!", "one, two. " * 20, "x" * 20_000 + " after one unknown word"]
    for role in ("query", "passage"):
        for text, found in zip(texts, vectors(load(folder), texts, role), strict=True):
            np.testing.assert_allclose(found, stanford(folder, text, role), atol=1e-5, err_msg=f"{role}: {text!r}")


def test_punctuation_counts_where_the_checkpoint_says_so(bert_colbert: Builder) -> None:
    """mask_punctuation false keeps it, and so does the option; queries always do."""
    folder, text = bert_colbert(), ["Where, then?"]
    with_marks, without = load(folder, skip_punctuation=False), load(folder)
    assert len(vectors(with_marks, text, "passage")[0]) == len(vectors(without, text, "passage")[0]) + 2
    plain = bert_colbert(mask_punctuation=False)
    np.testing.assert_allclose(vectors(load(plain), text, "passage")[0], stanford(plain, text[0], "passage"), atol=1e-5)
    assert len(vectors(without, text, "query")[0]) == 12


@pytest.mark.parametrize(("tag", "adapter"), [("en", "en_XX"), ("sw", "sw_KE"), ("zh-TW", "zh_TW"), ("yo", "en_XX")])
def test_colbert_xm_goes_through_the_adapter_of_the_language(
    xmod_colbert: Builder, sentences: tuple[str, ...], tag: str, adapter: str
) -> None:
    """The vectors of `set_default_language` in both roles; a language without an adapter takes the English one."""
    folder = xmod_colbert()
    for role in ("query", "passage"):
        for text, found in zip(sentences, vectors(load(folder), [*sentences], role, tag), strict=True):
            np.testing.assert_allclose(found, stanford(folder, text, role, adapter), atol=1e-5, err_msg=text)


def test_languages_differ_and_options_fix_them(xmod_colbert: Builder, sentences: tuple[str, ...]) -> None:
    """Another adapter moves vectors; an option goes before what the run says."""
    folder, texts = xmod_colbert(), [sentences[0]]
    english, swahili = (vectors(load(folder), texts, "passage", tag)[0] for tag in ("en", "sw"))
    assert np.abs(english - swahili).max() > 0.01
    fixed = load(folder, passage_language="sw")
    np.testing.assert_array_equal(vectors(fixed, texts, "passage", "en")[0], swahili)
    assert fixed.info.language_aware
    assert fixed.info.languages == ("en", "sw", "th", "zh")
    assert fixed.info.fingerprint != load(folder).info.fingerprint


@pytest.mark.parametrize("expand", [True, False])
def test_pylate_agrees_with_sentence_transformers(pylate: Builder, sentences: tuple[str, ...], expand: bool) -> None:
    """sentence-transformers reads PyLate's layout too, with code of its own."""
    library = pytest.importorskip("sentence_transformers.multi_vector_encoder")
    folder = pylate(do_query_expansion=expand)
    theirs, texts = library.MultiVectorEncoder(str(folder), device="cpu"), [*sentences, "one, two. " * 20]
    ours = load(folder)
    for role, encode in (("query", theirs.encode_query), ("passage", theirs.encode_document)):
        wanted = encode(texts, convert_to_numpy=True)
        for text, found, other in zip(texts, vectors(ours, texts, role), wanted, strict=True):
            assert found.shape == other.shape, f"{role}: {text!r}"
            np.testing.assert_allclose(found, other, atol=1e-5, err_msg=f"{role}: {text!r}")


def test_stanfords_format_agrees_with_sentence_transformers(bert_colbert: Builder, sentences: tuple[str, ...]) -> None:
    """The same for ColBERT's own format."""
    library = pytest.importorskip("sentence_transformers.multi_vector_encoder")
    folder = bert_colbert()
    theirs, ours = library.MultiVectorEncoder(str(folder), device="cpu"), load(folder)
    for role, encode in (("query", theirs.encode_query), ("passage", theirs.encode_document)):
        for found, other in zip(vectors(ours, [*sentences], role), encode([*sentences]), strict=True):
            np.testing.assert_allclose(found, other, atol=1e-5)


def test_a_plain_encoder_gives_its_token_states(minilm: Path, sentences: tuple[str, ...]) -> None:
    """Normalised states of every token, special ones too, no marker, nothing filled; labelled as untrained."""
    encoder = load(minilm)
    assert encoder.info.name.endswith("-tokens-untrained")
    assert encoder.info.max_tokens == 256
    tokenizer, model = AutoTokenizer.from_pretrained(minilm), BertModel.from_pretrained(minilm).eval()
    for role in ("query", "passage"):
        for text, found in zip(sentences, vectors(encoder, [*sentences], role), strict=True):
            with torch.no_grad():
                states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            np.testing.assert_allclose(found, torch.nn.functional.normalize(states, dim=-1), atol=1e-5)


def test_queries_are_filled_on_request(minilm: Path) -> None:
    """expand_queries and query_length together give that many vectors."""
    encoder = load(minilm, expand_queries=True, query_length=16)
    assert [len(matrix) for matrix in vectors(encoder, ["Mars", "word " * 99, ""], "query")] == [16, 16, 16]


def test_lengths_beyond_the_model_are_refused(minilm: Path, xmod_colbert: Builder) -> None:
    """Positions that X-MOD's table reserves for padding do not count."""
    with pytest.raises(UsageError, match="reads 512 tokens at most"):
        load(minilm, passage_length=513)
    with pytest.raises(UsageError, match="reads 64 tokens at most"):
        load(xmod_colbert(), query_length=65)


def test_language_options_need_adapters(minilm: Path, xmod_colbert: Builder) -> None:
    """They would change nothing, or name what is not there."""
    with pytest.raises(UsageError, match="no language adapters"):
        load(minilm, query_language="en")
    with pytest.raises(UsageError, match="no adapter among en_XX"):
        load(xmod_colbert(), query_language="yo")


def test_batches_do_not_move_vectors(xmod_colbert: Builder, sentences: tuple[str, ...]) -> None:
    """One text at a time, or all at once."""
    folder = xmod_colbert()
    one, many = load(folder, batch_tokens=1), load(folder)
    assert one.info.fingerprint == many.info.fingerprint
    for role in ("query", "passage"):
        for left, right in zip(vectors(one, [*sentences], role), vectors(many, [*sentences], role), strict=True):
            np.testing.assert_allclose(left, right, atol=1e-5)

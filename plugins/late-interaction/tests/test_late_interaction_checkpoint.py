"""What a folder says about itself, and what is refused before anything is encoded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_late_interaction import checkpoint
from harness_late_interaction.encoding import TokenEncoder
from harness_late_interaction.plugin import LateInteractionOptions
from safetensors.torch import load_file, save_file

from harness.errors import UsageError

Builder = Callable[..., Path]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def load(folder: Path, **options: Any) -> TokenEncoder:
    """The encoder on the CPU."""
    return TokenEncoder(LateInteractionOptions(model=str(folder), device="cpu", **options))


def change(file: Path, **changes: Any) -> None:
    """Other values in a JSON file; None takes a key away."""
    said = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in said.items() if value is not None}))


def test_kinds_are_told_apart(bert_colbert: Builder, xmod_colbert: Builder, pylate: Builder, minilm: Path) -> None:
    """By their files alone."""
    built = {"bert": bert_colbert(), "xmod": xmod_colbert(), "pylate": pylate(), "minilm": minilm}
    kinds = {name: checkpoint.read(folder).kind for name, folder in built.items()}
    assert kinds == {"bert": "colbert", "xmod": "colbert", "pylate": "pylate", "minilm": "plain"}


def test_what_artifact_metadata_does_not_say_is_colberts_default(bert_colbert: Builder) -> None:
    """Lengths 32 and 220, [unused0] and [unused1], punctuation masked, [MASK] not attended to."""
    folder = bert_colbert()
    (folder / "artifact.metadata").write_text("{}")
    said = checkpoint.read(folder)
    assert (said.query_length, said.passage_length, said.expand, said.attend_to_expansion) == (32, 220, True, False)
    assert (said.markers.query, said.markers.passage, len(said.skiplist)) == ("[unused0]", "[unused1]", 32)


def test_a_folder_without_the_file_is_known_by_its_architecture(bert_colbert: Builder) -> None:
    """HF_ColBERT in config.json is enough."""
    folder = bert_colbert()
    (folder / "artifact.metadata").unlink()
    assert checkpoint.read(folder).kind == "colbert"


def test_markers_may_be_ids(bert_colbert: Builder) -> None:
    """An id goes in as it is, one outside the vocabulary is refused."""
    row = load(bert_colbert(query_token_id=7)).rows(["Mars"], "query")[0]
    assert row.ids[1] == 7
    with pytest.raises(UsageError, match="uses token 40000"):
        load(bert_colbert(query_token_id=40_000))


def test_a_marker_that_the_vocabulary_lacks(xmod_colbert: Builder, pylate: Builder) -> None:
    """Stanford's code takes the unknown token, and ColBERT-XM was trained so; PyLate's tokenizer always has it."""
    assert load(xmod_colbert()).rows(["Mars"], "query")[0].ids[1] == 3
    with pytest.raises(UsageError, match=r"has no token '\[Q\] '"):
        load(pylate(query_prefix="[Q] "))
    assert 1 not in load(pylate(query_prefix="")).rows(["Mars"], "query")[0].ids


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"query_maxlen": 0}, "query_maxlen must be a whole number above 0"),
        ({"doc_maxlen": "180"}, "doc_maxlen must be a whole number above 0"),
        ({"mask_punctuation": 1}, "mask_punctuation must be true or false"),
        ({"doc_token_id": []}, "doc_token_id must be a token or its id"),
        ({"similarity": "l2"}, "similarity 'l2' is not supported"),
        ({"dim": 9}, "dim is 9, and linear.weight in model.safetensors has 8 rows"),
    ],
)
def test_wrong_metadata_is_named(bert_colbert: Builder, changes: dict[str, Any], said: str) -> None:
    """File, key and value."""
    with pytest.raises(UsageError, match=said) as caught:
        load(bert_colbert(**changes))
    assert "artifact.metadata" in str(caught.value)


def test_broken_json_is_named(bert_colbert: Builder) -> None:
    """No traceback of the parser's."""
    folder = bert_colbert()
    (folder / "artifact.metadata").write_text("{")
    with pytest.raises(UsageError, match=r"artifact\.metadata: not valid JSON"):
        load(folder)


def test_a_projection_must_be_there_and_fit(bert_colbert: Builder) -> None:
    """Neither absent nor of another width than the encoder's."""
    folder = bert_colbert(dim=None)
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "linear.weight": torch.randn(8, 99)}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match="takes 99 features, and gets 24"):
        load(folder)
    del weights["linear.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"hold no linear\.weight"):
        load(folder)


def test_missing_weights_are_not_drawn_at_random(bert_colbert: Builder) -> None:
    """The library would only warn."""
    folder = bert_colbert()
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "layer.1.attention.self.query" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match="which would be random"):
        load(folder)


def test_pylates_dense_modules_may_have_bias_and_residual(pylate: Builder) -> None:
    """Both are added; an activation that is not linear is refused."""
    folder = pylate()
    dense = folder / "1_Dense"
    weight, beside = torch.randn(8, 24), torch.randn(8, 24)
    tensors = {"linear.weight": weight, "linear.bias": torch.ones(8), "residual.weight": beside}
    save_file(tensors, dense / "model.safetensors")
    change(dense / "config.json", use_residual=True, bias=True)
    map_, states = load(folder)._network.maps[0], torch.randn(3, 24)
    torch.testing.assert_close(map_(states), states @ (weight + beside).T + 1)
    change(dense / "config.json", activation_function="torch.nn.modules.activation.Tanh")
    with pytest.raises(UsageError, match="activation Tanh is not supported"):
        load(folder)


def test_modules_that_are_not_known_are_refused(pylate: Builder) -> None:
    """Leaving one out would give other vectors without a word."""
    folder = pylate()
    listed = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*listed, {"type": "a.LSTM", "path": "2"}]))
    with pytest.raises(UsageError, match=r"modules a\.LSTM are not supported"):
        load(folder)


def test_a_module_outside_the_folder_is_refused(pylate: Builder) -> None:
    """A path may not lead out of the model."""
    folder = pylate()
    (folder / "modules.json").write_text(json.dumps([{"type": "a.Dense", "path": "../elsewhere"}]))
    with pytest.raises(UsageError, match="a list of objects with type and path"):
        load(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "colbert.dnn", "1_Dense/pytorch_model.bin"])
def test_pickles_without_safetensors_are_refused(pylate: Builder, name: str) -> None:
    """In any folder of the model."""
    folder = pylate()
    path = folder / name
    path.write_bytes(b"\x80\x04")
    for weights in path.parent.glob("*.safetensors"):
        weights.unlink()
    with pytest.raises(UsageError, match="pickled and has no safetensors"):
        load(folder)


def test_the_fingerprint_follows_content_and_options(bert_colbert: Builder, tmp_path: Path) -> None:
    """A copy has the same; other weights, metadata or options have another."""
    folder = bert_colbert()
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    base = load(folder).info.fingerprint
    assert load(copy).info.fingerprint == base
    assert load(folder, name="x", memory=7, batch_tokens=99).info.fingerprint == base
    change(copy / "artifact.metadata", comment="another file")
    found = {
        base,
        load(copy).info.fingerprint,
        load(folder, query_length=9).info.fingerprint,
        load(folder, passage_length=9).info.fingerprint,
        load(folder, expand_queries=False).info.fingerprint,
        load(folder, skip_punctuation=False).info.fingerprint,
        load(folder, storage="float16").info.fingerprint,
        load(bert_colbert(seed=9)).info.fingerprint,
    }
    assert len(found) == 8


def test_a_hub_model_in_the_cache_works_offline_and_records_its_commit(
    bert_colbert: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit is in `info`."""
    repository = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(bert_colbert(), repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    info = TokenEncoder(LateInteractionOptions(model="someone/tiny", device="cpu")).info
    assert (info.name, info.model, info.revision) == ("tiny", "someone/tiny", COMMIT)


def test_a_folder_without_a_tokenizer_is_refused(bert_colbert: Builder) -> None:
    """Ids of another vocabulary would mean other words."""
    folder = bert_colbert()
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(UsageError, match="has no tokenizer"):
        load(folder)

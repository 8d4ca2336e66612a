"""What a folder says it holds, and what is refused before it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_sentence_transformers.family import require_family

from harness.errors import UsageError


def folder(path: Path, *, saved: str | None = None, architectures: list[str] | None = None) -> Path:
    """A folder with configuration alone: of the library where `saved` is a type, "" for an old one without."""
    (path / "config.json").write_text(json.dumps({"architectures": architectures}))
    if saved is not None:
        (path / "modules.json").write_text("[]")
        (path / "config_sentence_transformers.json").write_text(json.dumps({"model_type": saved} if saved else {}))
    return path


def test_a_saved_model_is_what_it_says(tmp_path: Path) -> None:
    """The type that the library wrote decides, whatever the architecture."""
    require_family(folder(tmp_path, saved="SparseEncoder"), "m", "SparseEncoder", "ForMaskedLM")


@pytest.mark.parametrize(
    ("saved", "advice"),
    [
        ("SentenceTransformer", "sentence-transformers"),
        ("", "sentence-transformers"),
        ("SparseEncoder", "sparse-encoder"),
    ],
)
def test_another_family_names_the_encoder_for_it(tmp_path: Path, saved: str, advice: str) -> None:
    """Models without a type are old and dense."""
    with pytest.raises(UsageError) as caught:
        require_family(folder(tmp_path, saved=saved), "m", "CrossEncoder", "ForSequenceClassification")
    assert f"Use the encoder {advice}." in str(caught.value)


def test_a_family_that_nothing_here_loads_is_refused(tmp_path: Path) -> None:
    """There is no advice for a kind that this plugin does not know."""
    with pytest.raises(UsageError, match=r"saved as a MultiVectorEncoder, not as a CrossEncoder$"):
        require_family(folder(tmp_path, saved="MultiVectorEncoder"), "m", "CrossEncoder", "ForSequenceClassification")


def test_a_plain_transformer_needs_the_head(tmp_path: Path) -> None:
    """The architecture in config.json tells; one without the head would get random weights."""
    require_family(folder(tmp_path, architectures=["BertForMaskedLM"]), "m", "SparseEncoder", "ForMaskedLM")
    for other in (["BertModel"], [], None):
        with pytest.raises(UsageError, match="random weights"):
            require_family(folder(tmp_path, architectures=other), "m", "SparseEncoder", "ForMaskedLM")


def test_a_broken_configuration_is_a_usage_error(tmp_path: Path) -> None:
    """It is named, and not a traceback."""
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json is not JSON"):
        require_family(tmp_path, "m", "SparseEncoder", "ForMaskedLM")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UsageError, match="holds no JSON object"):
        require_family(tmp_path, "m", "SparseEncoder", "ForMaskedLM")

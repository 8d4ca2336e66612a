"""Folders, hub ids and their commits; the hub itself is never asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone
from harness_lamir.backbones.locating import locate
from huggingface_hub.errors import LocalEntryNotFoundError

from harness.errors import UsageError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Record what the hub would be asked for, and answer with a folder."""
    calls: list[dict[str, Any]] = []

    def snapshot(name: str, **options: Any) -> str:
        calls.append({"name": name, **options})
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    return calls


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:12], COMMIT.upper()])
def test_a_hub_id_needs_its_full_commit(asked: list[dict[str, Any]], revision: str | None) -> None:
    """No revision, a branch, a tag or a short commit is refused with a hint, before anything is fetched."""
    settings = kinds.TransformerBackbone(kind="transformer", model="FacebookAI/xlm-roberta-base", revision=revision)
    with pytest.raises(UsageError, match="40-digit commit"):
        build_backbone(settings, lambda _: [], seed=0)
    assert asked == []


@pytest.mark.parametrize("field", ["tokenizer", "init"])
def test_the_same_goes_for_tokenizers_and_tables(asked: list[dict[str, Any]], field: str) -> None:
    """`tokens` takes hub ids as `owner/name@commit`."""
    settings = kinds.TokenBackbone(kind="tokens", **{field: "FacebookAI/xlm-roberta-base@main"})
    with pytest.raises(UsageError, match=f"backbone.{field}.*no full commit"):
        build_backbone(settings, lambda _: ["a text"], seed=0)
    assert asked == []


def test_pickles_are_never_fetched(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """A pinned id is fetched at its commit: configuration, vocabulary and safetensors alone."""
    assert locate("owner/name", COMMIT, where="x") == tmp_path
    assert locate(f"owner/name@{COMMIT}", None, where="x", weights=False) == tmp_path
    first, second = asked
    assert (first["name"], first["revision"]) == (second["name"], second["revision"]) == ("owner/name", COMMIT)
    assert not any(pattern.endswith((".bin", ".py", ".pt", "*")) for pattern in first["allow_patterns"])
    assert "*.safetensors" in second["ignore_patterns"] and "*.safetensors" not in first["ignore_patterns"]


def test_a_model_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the error says how to fetch it."""

    def offline(name: str, **_: Any) -> str:
        raise LocalEntryNotFoundError("not in the cache")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UsageError, match="hf download owner/name --revision"):
        locate("owner/name", COMMIT, where="x")


def test_a_folder_of_a_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is found without an import, and never outside of the package."""
    (tmp_path / "some_models" / "model" / "deep").mkdir(parents=True)
    (tmp_path / "some_models" / "__init__.py").write_text("raise AssertionError('imported')")
    (tmp_path / "single.py").write_text("")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("package:some_models/model", None, where="x") == tmp_path / "some_models" / "model"
    assert locate("package:some_models/model/deep", None, where="x").name == "deep"
    with pytest.raises(UsageError, match=r"x: the installed package 'some_models' has no folder 'modell'\n.*'model'"):
        locate("package:some_models/modell", None, where="x")
    for outside in ("../elsewhere", str(tmp_path / "elsewhere"), "__init__.py"):
        with pytest.raises(UsageError, match="has no folder"):
            locate(f"package:some_models/{outside}", None, where="x")
    for name in ("no_such_models", "single", "../some_models", "some_models.model", "__main__", ""):
        with pytest.raises(UsageError, match="there is no installed package"):
            locate(f"package:{name}/model", None, where="x")
    with pytest.raises(UsageError, match="a revision goes with a hub id"):
        locate("package:some_models/model", COMMIT, where="x")


def test_a_misspelt_folder_is_told(tmp_path: Path) -> None:
    """The nearest folder is named; a folder has no revision."""
    (tmp_path / "model").mkdir()
    with pytest.raises(UsageError, match=r"is no folder\n.*Did you mean '.*model'"):
        locate(str(tmp_path / "modell"), None, where="x")
    with pytest.raises(UsageError, match="a revision goes with a hub id"):
        locate(str(tmp_path / "model"), COMMIT, where="x")

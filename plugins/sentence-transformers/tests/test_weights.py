"""Where weights come from, and what is refused before anything is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness_sentence_transformers.carried import PATTERNS
from harness_sentence_transformers.weights import locate
from huggingface_hub.utils import filter_repo_objects

from harness.errors import UsageError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a model."""
    path = tmp_path / "tiny-model"
    path.mkdir()
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "config.json").write_text("{}")
    return path


def test_a_folder_gives_its_name_and_no_revision(folder: Path) -> None:
    """A local model is called after its folder and has no commit."""
    found = locate(str(folder), None, trust_remote_code=False)
    assert (found.folder, found.name, found.revision) == (folder.resolve(), "tiny-model", None)


def test_a_folder_called_model_gives_its_parents_name(folder: Path) -> None:
    """`…/tiny/model` is labelled `tiny`."""
    inner = folder.parent / "tiny" / "model"
    shutil.copytree(folder, inner)
    assert locate(str(inner), None, trust_remote_code=False).name == "tiny"


def test_the_fingerprint_follows_the_content(folder: Path) -> None:
    """The same files elsewhere have the same fingerprint; other weights or configuration have another."""
    first = locate(str(folder), None, trust_remote_code=False).fingerprint
    copy = Path(shutil.copytree(folder, folder.parent / "copy"))
    assert locate(str(copy), None, trust_remote_code=False).fingerprint == first
    (copy / "config.json").write_text('{"a": 1}')
    changed = locate(str(copy), None, trust_remote_code=False).fingerprint
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert len({first, changed, locate(str(folder), None, trust_remote_code=False).fingerprint}) == 3


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "model.ckpt", "2_Dense/pytorch_model.bin"])
def test_pickled_weights_without_safetensors_are_refused(folder: Path, name: str) -> None:
    """A pickle that has no safetensors beside it is named, in any folder of the model."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x80\x04")
    if path.parent == folder:
        (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="pickled and has no safetensors"):
        locate(str(folder), None, trust_remote_code=False)


def test_a_pickle_beside_safetensors_is_passed_over(folder: Path) -> None:
    """Many models ship both; only the safe one is read, so the other does no harm."""
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    assert locate(str(folder), None, trust_remote_code=False).name == "tiny-model"


def test_openvinos_weights_are_no_pickle(folder: Path) -> None:
    """A `.bin` beside its `.xml` is OpenVINO's; by another name, or alone, it is a pickle as before."""
    network = folder / "openvino"
    network.mkdir()
    (network / "openvino_model.bin").write_bytes(b"numbers")
    with pytest.raises(UsageError, match="pickled"):
        locate(str(folder), None, trust_remote_code=False)
    (network / "openvino_model.xml").write_text("<net/>")
    locate(str(folder), None, trust_remote_code=False)
    (network / "pytorch_model.xml").write_text("<net/>")
    (network / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(UsageError, match=r"pytorch_model\.bin is pickled"):
        locate(str(folder), None, trust_remote_code=False)


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_a_backend_fetches_its_own_network_and_no_other(
    monkeypatch: pytest.MonkeyPatch, folder: Path, backend: str
) -> None:
    """Of a repository with everything, exactly weights, configuration and the one network asked for are fetched."""
    repository = {
        "model.safetensors": "torch", "config.json": "torch", "pytorch_model.bin": "", "onnx/model.onnx": "onnx",
        "onnx/model.onnx_data": "onnx", "onnx/model_quantized.onnx": "", "onnx/model.bin": "",
        "openvino/openvino_model.xml": "openvino", "openvino/openvino_model.bin": "openvino",
        "openvino/openvino_model_qint8_quantized.bin": "",
    }  # fmt: skip
    fetched: set[str] = set()

    def download(model: str, revision: str | None, **patterns: list[str]) -> str:
        fetched.update(filter_repo_objects(repository, **patterns))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    locate("someone/model", None, trust_remote_code=False, also=PATTERNS[backend])
    assert fetched == {name for name, needed_by in repository.items() if needed_by in ("torch", backend)}


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    """Configuration alone is no model."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="no safetensors"):
        locate(str(folder), None, trust_remote_code=False)


def test_a_misspelt_folder_suggests_its_neighbour(folder: Path) -> None:
    """A path that is not there names the folder that probably was meant."""
    with pytest.raises(UsageError) as caught:
        locate(str(folder.parent / "tiny-modle"), None, trust_remote_code=False)
    assert "tiny-model" in str(caught.value)


def test_remote_code_needs_a_commit() -> None:
    """A branch or nothing at all is not enough to run somebody's code."""
    for revision in (None, "main", COMMIT[:12]):
        with pytest.raises(UsageError, match="needs revision"):
            locate("someone/model", revision, trust_remote_code=True)


def test_a_revision_goes_with_a_hub_id(folder: Path) -> None:
    """A folder has no revisions to choose from."""
    with pytest.raises(UsageError, match="is a folder"):
        locate(str(folder), COMMIT, trust_remote_code=False)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A hub cache that holds `someone/tiny` at one commit, and no network."""
    cache = tmp_path / "hub"
    repository = cache / "models--someone--tiny"
    shutil.copytree(folder, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return cache


def test_a_hub_model_in_the_cache_works_offline_and_records_its_commit(hub: Path) -> None:
    """What was fetched once is found again without a network, with the commit it was fetched at."""
    found = locate("someone/tiny", None, trust_remote_code=False)
    assert (found.name, found.revision) == ("tiny", COMMIT)
    assert found.folder.parent.parent.parent == hub


def test_a_hub_model_that_is_not_there_offline_says_how_to_fetch_it(hub: Path) -> None:
    """One sentence with the command that fixes it."""
    with pytest.raises(UsageError) as caught:
        locate("someone/other", None, trust_remote_code=False)
    assert "hf download someone/other" in str(caught.value)

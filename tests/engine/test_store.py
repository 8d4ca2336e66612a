"""The embedding store: what was committed is found again, and what is damaged is a miss."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness._util.fingerprint import digests
from harness.encoders.protocols import EncoderInfo
from harness.engine.encode import fill
from harness.engine.store import EmbeddingStore, Space, space_key
from harness.engine.texts import Questions
from harness.sources.collection import Queries

INFO = EncoderInfo(name="toy", dim=4, fingerprint="f" * 64)


def _space(root: Path, info: EncoderInfo = INFO) -> Space:
    """The passage space of `info`, opened anew."""
    return EmbeddingStore(root).space(info, "passage", None)


def _vectors(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, 4)).astype(np.float32)


def _only(folder: Path, pattern: str) -> Path:
    """The one file of `folder` that matches and is not the description of the space."""
    found = [path for path in folder.glob(pattern) if path.name != "space.json"]
    assert len(found) == 1
    return found[0]


def test_round_trip_through_a_new_store(tmp_path: Path) -> None:
    """A later process finds every vector under its text, bit for bit, in whatever order it asks."""
    texts = [f"text {i}" for i in range(20)]
    vectors = _vectors(20)
    writer = _space(tmp_path)
    writer.append(digests(texts[:7]), vectors[:7])
    writer.append(digests(texts[7:]), vectors[7:])
    for space in (writer, _space(tmp_path)):
        order = np.random.default_rng(1).permutation(20)
        rows = space.locate(digests([texts[i] for i in order]))
        assert np.array_equal(space.read(rows), vectors[order])
        assert len(space) == 20


def test_texts_that_differ_in_one_code_point_are_apart() -> None:
    """Digests are 16 bytes and tell apart empty, composed, decomposed, surrogate and NUL-ending texts."""
    texts = ["", " ", "é", "e\u0301", "a", "a\0", "a\0\0", "\ud800", "A"]
    made = digests(texts)
    assert made.dtype.itemsize == 16
    assert len(np.unique(made)) == len(texts)


def test_unknown_texts_are_minus_one(tmp_path: Path) -> None:
    """`locate` gives −1 for what is not there, in an empty space as in a filled one, and `read` refuses it."""
    space = _space(tmp_path)
    assert space.locate(digests(["a", "b"])).tolist() == [-1, -1]
    assert space.locate(digests([])).tolist() == []
    space.append(digests(["a", "c"]), _vectors(2))
    rows = space.locate(digests(["a", "b", "zzz", "c"]))
    assert (rows >= 0).tolist() == [True, False, False, True]
    with pytest.raises(KeyError):
        space.read(rows)


def test_contiguous_read_is_a_view_of_the_mapped_file(tmp_path: Path) -> None:
    """A run of rows of one shard is not copied; anything else is a copy with the same values."""
    first, second = _vectors(6), _vectors(5, seed=1)
    texts = [f"text {i}" for i in range(11)]
    space = _space(tmp_path)
    space.append(digests(texts[:6]), first)
    space.append(digests(texts[6:]), second)
    run = space.read(np.arange(1, 5))
    assert isinstance(run, np.memmap) and not run.flags.owndata
    assert Path(run.filename).parent == space.folder
    assert np.array_equal(run, first[1:5])
    across = space.read(np.arange(4, 8))
    assert not isinstance(across, np.memmap)
    assert np.array_equal(across, np.concatenate([first[4:], second[:2]]))
    assert np.array_equal(space.read(np.array([5, 4])), first[[5, 4]])
    assert np.array_equal(space.read(np.array([2, 2])), first[[2, 2]])
    assert space.read(np.array([], dtype=np.int64)).shape == (0, 4)


def test_mapped_vectors_cannot_be_changed(tmp_path: Path) -> None:
    """What `read` gives as a view is read-only: a caller cannot damage the store."""
    space = _space(tmp_path)
    space.append(digests(["a", "b"]), _vectors(2))
    with pytest.raises(ValueError, match="read-only"):
        space.read(np.array([0, 1]))[0, 0] = 1.0


def test_a_text_that_is_there_twice_is_found(tmp_path: Path) -> None:
    """Two processes that encoded one text leave it there twice, and it is still one text."""
    vector = _vectors(1)
    for _ in range(2):
        _space(tmp_path).append(digests(["same"]), vector)
    space = _space(tmp_path)
    assert len(space) == 2
    assert np.array_equal(space.read(space.locate(digests(["same", "same"]))), np.repeat(vector, 2, axis=0))


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    """`append` refuses vectors that do not fit the keys or the space, and leaves no file behind."""
    space = _space(tmp_path)
    for vectors in (_vectors(3), np.zeros((2, 5), np.float32), np.zeros(8, np.float32)):
        with pytest.raises(ValueError, match="shape"):
            space.append(digests(["a", "b"]), vectors)
    assert not list(tmp_path.rglob("*.npy"))


def test_a_shard_without_manifest_does_not_exist(tmp_path: Path) -> None:
    """The manifest is the commit: vectors and keys without it are as if never written."""
    space = _space(tmp_path)
    space.append(digests(["a"]), _vectors(1))
    _only(space.folder, "*.json").unlink()
    again = _space(tmp_path)
    assert len(again) == 0 and again.damaged == []
    assert again.locate(digests(["a"])).tolist() == [-1]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def _rewrite_shape(path: Path) -> None:
    """Vectors of another dimension, with a manifest whose checksum is right."""
    import hashlib

    np.save(path, np.zeros((2, 7), np.float32))
    manifest = path.with_name(path.name.removesuffix(".vectors.npy") + ".json")
    facts = json.loads(manifest.read_text())
    facts["sha256"]["vectors"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(facts))


_DAMAGE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a flipped bit in the vectors": ("*.vectors.npy", _flip),
    "a flipped bit in the keys": ("*.keys.npy", _flip),
    "truncated vectors": ("*.vectors.npy", lambda path: os.truncate(path, path.stat().st_size - 4)),
    "empty keys": ("*.keys.npy", lambda path: path.write_bytes(b"")),
    "vectors gone": ("*.vectors.npy", lambda path: path.unlink()),
    "another dimension": ("*.vectors.npy", _rewrite_shape),
    "a manifest that is no JSON": ("*.json", lambda path: path.write_text("{")),
    "a manifest that is no object": ("*.json", lambda path: path.write_text("[1]")),
    "a manifest without checksums": ("*.json", lambda path: path.write_text("{}")),
    "a manifest that is not UTF-8": ("*.json", lambda path: path.write_bytes(b"\xff\xfe")),
}


@pytest.mark.parametrize("damage", _DAMAGE)
def test_a_damaged_shard_is_passed_over_and_encoded_again(
    damage: str, tmp_path: Path, toy_encoder: Callable[..., Any]
) -> None:
    """Whatever happened to a shard, its texts are missing, the other shards are not, and a run repairs the space."""
    encoder = toy_encoder(dim=4)
    space = _space(tmp_path, encoder.info)

    def encode(texts: list[str], into: Space) -> int:
        questions = Questions(Queries(tuple(texts), tuple(texts)), None)
        return fill(into, encoder, questions, role="passage", advance=lambda n: None)

    assert encode(["a", "b"], space) == 2
    expected = np.array(space.read(space.locate(digests(["a", "b"]))))
    pattern, break_it = _DAMAGE[damage]
    victim = _only(space.folder, pattern)
    encode(["c"], space)
    break_it(victim)

    again = _space(tmp_path, encoder.info)
    assert len(again.damaged) == 1
    assert (again.locate(digests(["a", "b", "c"])) >= 0).tolist() == [False, False, True]
    assert encode(["a", "b", "c"], again) == 2
    assert np.array_equal(again.read(again.locate(digests(["a", "b"]))), expected)
    assert (_space(tmp_path, encoder.info).locate(digests(["a", "b", "c"])) >= 0).all()


def test_temporary_files_of_a_killed_writer_are_ignored(tmp_path: Path) -> None:
    """Half-written temporary files neither count as shards nor as damage."""
    space = _space(tmp_path)
    space.append(digests(["a"]), _vectors(1))
    for name in (".x.vectors.npy.abc.tmp", ".x.json.abc.tmp", "00000000000000000001-deadbeef.vectors.npy"):
        (space.folder / name).write_bytes(b"half")
    again = _space(tmp_path)
    assert len(again) == 1 and again.damaged == []


def test_two_stores_append_at_once(tmp_path: Path) -> None:
    """Two open stores append to one space in turn without disturbing each other; a third sees everything."""
    left, right = _space(tmp_path), _space(tmp_path)
    vectors = _vectors(8)
    texts = [f"text {i}" for i in range(8)]
    for i in range(0, 8, 2):
        left.append(digests(texts[i : i + 1]), vectors[i : i + 1])
        right.append(digests(texts[i + 1 : i + 2]), vectors[i + 1 : i + 2])
    assert len(left) == len(right) == 4
    merged = _space(tmp_path)
    assert np.array_equal(merged.read(merged.locate(digests(texts))), vectors)


def test_one_store_opens_a_space_once(tmp_path: Path) -> None:
    """Subsets of one run share what they encoded because they share the open space."""
    store = EmbeddingStore(tmp_path)
    assert store.space(INFO, "passage", "sw") is store.space(INFO, "passage", "te")
    assert store.space(INFO, "passage", None) is not store.space(INFO, "query", None)


@pytest.mark.parametrize(
    ("changed", "role", "language"),
    [
        (replace(INFO, fingerprint="0" * 64), "passage", None),
        (replace(INFO, dtype="bfloat16"), "passage", None),
        (replace(INFO, dim=5), "passage", None),
        (INFO, "query", None),
        (replace(INFO, prompts={"passage": "passage: "}), "passage", None),
        (replace(INFO, similarity="dot", normalized=False), "passage", None),
        (replace(INFO, language_aware=True), "passage", "sw"),
    ],
    ids=["fingerprint", "dtype", "dim", "role", "prompt", "normalisation", "language"],
)
def test_space_changes_with_what_determines_a_vector(changed: EncoderInfo, role: Any, language: str | None) -> None:
    """Fingerprint, dtype, dimension, role, prompt, normalisation, and language where it is used, are the key."""
    assert space_key(changed, role, language) != space_key(INFO, "passage", None)


@pytest.mark.parametrize(
    "changed",
    [
        replace(INFO, name="renamed"),
        replace(INFO, device="cuda"),
        replace(INFO, prompts={"query": "query: "}),
        replace(INFO, licence="MIT", model="m", revision="r", training_datasets=("x",)),
    ],
    ids=["name", "device", "prompt of the other role", "description"],
)
def test_space_stays_with_what_does_not(changed: EncoderInfo) -> None:
    """Names, devices and descriptions change no vector, so vectors made before are found."""
    assert space_key(changed, "passage", None) == space_key(INFO, "passage", None)


def test_language_matters_to_language_aware_encoders_alone() -> None:
    """Equal texts of two languages share a vector unless the encoder says that it looks at the language."""
    aware = replace(INFO, language_aware=True)
    assert space_key(INFO, "query", "sw") == space_key(INFO, "query", "te")
    assert space_key(aware, "query", "sw") != space_key(aware, "query", "te")


_words = st.text(alphabet="abé\u0301\0\ud800", max_size=3)


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["append", "reopen", "drop"]), st.lists(_words, min_size=1, max_size=6, unique=True)),
        max_size=7,
    )
)
def test_a_space_behaves_like_a_dictionary(steps: list[tuple[str, list[str]]], tmp_path_factory: Any) -> None:
    """Whatever is appended, reopened or lost, `locate` and `read` agree with a plain dictionary of texts."""
    root = tmp_path_factory.mktemp("space")
    space = _space(root)
    shards: dict[str, dict[str, np.ndarray]] = {}
    number = 0
    for step, texts in steps:
        if step == "append":
            before = set(space.folder.glob("*.json"))
            number += 1
            vectors = np.array([[number, i, len(t), 0] for i, t in enumerate(texts)], np.float32)
            space.append(digests(texts), vectors)
            made = {p.stem for p in set(space.folder.glob("*.json")) - before} - {"space"}
            shards[made.pop()] = dict(zip(texts, vectors, strict=True))
        elif step == "drop" and shards:
            name = sorted(shards)[0]
            del shards[name]
            (space.folder / f"{name}.json").unlink()
            space = _space(root)
        else:
            space = _space(root)
        wanted = ["", "a", "zz", *texts]
        rows = space.locate(digests(wanted))
        for text, row in zip(wanted, rows, strict=True):
            candidates = [shard[text] for shard in shards.values() if text in shard]
            assert (row >= 0) == bool(candidates)
            if candidates:
                vector = space.read(np.array([row]))[0]
                assert any(np.array_equal(vector, candidate) for candidate in candidates)

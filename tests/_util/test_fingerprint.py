"""Fingerprints: equal content gives equal names, different content different ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness._util import fingerprint

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_json_fingerprint_by_hand() -> None:
    """The fingerprint is SHA-256 of canonical JSON: sorted keys, no spaces, UTF-8."""
    expected = hashlib.sha256('{"a":[1,true,null],"b":"é"}'.encode()).hexdigest()
    assert fingerprint.of_json({"b": "é", "a": (1, True, None)}) == expected


@given(st.dictionaries(st.text(max_size=4), _JSON, max_size=4))
def test_json_fingerprint_ignores_key_order(value: dict[str, Any]) -> None:
    """The order in which a mapping was built does not matter."""
    assert fingerprint.of_json(dict(reversed(value.items()))) == fingerprint.of_json(value)


@given(_JSON, _JSON)
def test_json_fingerprint_tells_values_apart(left: Any, right: Any) -> None:
    """Two values share a fingerprint exactly when they are the same JSON."""
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (fingerprint.of_json(left) == fingerprint.of_json(right)) is same


@given(
    st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=3),
    st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=3),
)
def test_columns_never_collide_by_joining(left: list[list[str]], right: list[list[str]]) -> None:
    """Moving a character or a string across a border changes the fingerprint."""
    assert (fingerprint.of_strings(*left) == fingerprint.of_strings(*right)) is (left == right)


@pytest.mark.parametrize(
    ("left", "right"),
    [((["ab", "c"],), (["a", "bc"],)), ((["a"], ["b"]), (["a", "b"],)), ((["a"], []), (["a"],)), (([""],), ([],))],
)
def test_column_borders(left: tuple[list[str], ...], right: tuple[list[str], ...]) -> None:
    """The classic ways to collide by joining do not."""
    assert fingerprint.of_strings(*left) != fingerprint.of_strings(*right)


def test_lone_surrogates_have_a_fingerprint() -> None:
    """Text that is no valid Unicode is told apart instead of raising."""
    assert fingerprint.of_strings(["\ud800"]) != fingerprint.of_strings(["\ud801"])
    assert fingerprint.of_json("\ud800") != fingerprint.of_json("\ud801")


def _checkpoint(root: Path, files: dict[str, bytes]) -> list[Path]:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return [root / name for name in files]


def test_files_by_name_and_bytes(tmp_path: Path) -> None:
    """Where a checkpoint lies and in which order its files are listed do not matter; names and bytes do."""
    files = {"model.bin": b"weights", "sub/config.json": b"{}"}
    reference = fingerprint.of_files(_checkpoint(tmp_path / "a", files), tmp_path / "a")
    assert fingerprint.of_files(_checkpoint(tmp_path / "b", files)[::-1], tmp_path / "b") == reference
    changed = [
        {"model.bin": b"weightS", "sub/config.json": b"{}"},
        {"model.bin": b"weights", "config.json": b"{}"},
        {"model.bin": b"weights{", "sub/config.json": b"}"},
        {"model.bin": b"weights"},
    ]
    for number, other in enumerate(changed):
        root = tmp_path / str(number)
        assert fingerprint.of_files(_checkpoint(root, other), root) != reference


def test_large_files_are_read_to_the_end(tmp_path: Path) -> None:
    """A change in the last byte of a file longer than one block counts."""
    size = (1 << 20) + 1
    names = [
        fingerprint.of_files(_checkpoint(tmp_path, {"w": b"\0" * (size - 1) + end}), tmp_path) for end in (b"a", b"b")
    ]
    assert names[0] != names[1]

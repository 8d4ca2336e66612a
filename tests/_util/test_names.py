"""Suggestions, globs and safe file names."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness._util.names import did_you_mean, file_slug, matches_any


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("mircal", ["miracl", "mr-tydi"], "Did you mean 'miracl'?"),
        ("tydi", ["xor-tydi", "mr-tydi", "x"], "Did you mean 'mr-tydi' or 'xor-tydi'?"),
        ("zzz", ["b", "a", "a"], "Known: a, b."),
        ("zzz", [], None),
        ("zzz", [f"name-{i}" for i in range(24)], "Known: " + ", ".join(sorted(f"name-{i}" for i in range(24))) + "."),
        ("zzz", [f"name-{i}" for i in range(25)], None),
    ],
)
def test_suggestion(name: str, known: list[str], sentence: str | None) -> None:
    """Near names are suggested, a short list is listed whole, a long one is not."""
    assert did_you_mean(name, known) == sentence


def test_lists_can_be_left_out() -> None:
    """Where everything that is known is noise, only what is near is named."""
    assert did_you_mean("/zzz", ["/bin", "/dev"], few=0) is None
    assert did_you_mean("/bim", ["/bin", "/dev"], few=0) == "Did you mean '/bin'?"


def test_at_most_three_suggestions() -> None:
    """A name near many others suggests three of them."""
    assert (did_you_mean("encoder", [f"encoder{i}" for i in range(9)]) or "").count("'") == 6


@given(st.sampled_from(["miracl", "xor-tydi", "low-resource", "hashing"]), st.data())
def test_one_typing_mistake_is_forgiven(name: str, data: st.DataObject) -> None:
    """Dropping any one letter of a name still suggests that name."""
    at = data.draw(st.integers(0, len(name) - 1))
    known = ["miracl", "xor-tydi", "low-resource", "hashing"]
    assert repr(name) in (did_you_mean(name[:at] + name[at + 1 :], known) or "")


@pytest.mark.parametrize(
    ("value", "patterns", "expected"),
    [
        ("miracl", ["miracl"], True),
        ("miracl", ["mr-*", "mira*"], True),
        ("miracl", ["Miracl"], False),
        ("miracl", ["mira"], False),
        ("miracl", [], False),
        ("sw", ["[st]w", "?"], True),
        ("sw", ["[!s]w"], False),
    ],
)
def test_globs(value: str, patterns: list[str], expected: bool) -> None:
    """Any one pattern is enough, the whole value must match, and case counts."""
    assert matches_any(value, patterns) is expected


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("hashing", "hashing"),
        ("intfloat/multilingual-e5-large", "intfloat-multilingual-e5-large"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "unnamed"),
        (".hidden", "hidden"),
        ("", "unnamed"),
        ("日本語", "unnamed"),
        ("a b\tc\n", "a-b-c"),
        ("C:\\x", "C-x"),
    ],
)
def test_slug_examples(text: str, slug: str) -> None:
    """Names of models and hostile names become one visible path component."""
    assert file_slug(text) == slug


@given(st.text())
def test_slug_is_one_safe_component(text: str) -> None:
    """Whatever the name, the result is one visible component in ASCII, and stays as it is when made safe again."""
    slug = file_slug(text)
    assert set(slug) <= set(string.ascii_letters + string.digits + "._-")
    assert Path(slug).name == slug and not slug.startswith(".")
    assert file_slug(slug) == slug

"""From one name to all names, and the names that are refused."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, is_normalized_name

from harness.errors import UsageError
from harness.plugins.catalogue import first_party
from harness.plugins.manager import Registry, default_registry, discover
from harness.plugins.spec import EncoderSpec
from harness.scaffold.naming import LONGEST, ROLES, Names, check_free, names_of

NAMES = st.from_regex(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST - 1}}}", fullmatch=True)
KINDS = st.sampled_from(sorted(ROLES))


def core() -> Registry:
    """The core's own encoders alone."""
    return discover(third_party=False)


def test_names_that_follow() -> None:
    """A name with everything that names may have gives the names that people would expect."""
    assert names_of("my-bge.m3_v2") == Names(
        name="my-bge.m3_v2",
        kind="encoder",
        distribution="harness-my-bge-m3-v2",
        package="harness_my_bge_m3_v2",
        slug="my_bge_m3_v2",
        module="encoder",
        model="MyBgeM3V2Encoder",
        options="MyBgeM3V2Options",
    )


@pytest.mark.parametrize(
    ("name", "model", "options"),
    [
        ("3d", "Model3dEncoder", "Model3dOptions"),
        ("encoder", "MyEncoder", "MyEncoderOptions"),
        ("my-encoder", "MyEncoder", "MyEncoderOptions"),
        ("none", "NoneEncoder", "NoneOptions"),
        ("class", "ClassEncoder", "ClassOptions"),
    ],
)
def test_classes_are_called_something_that_python_takes(name: str, model: str, options: str) -> None:
    """No class begins with a digit, doubles its ending, or hides the base class that it is derived from."""
    names = names_of(name)
    assert (names.model, names.options) == (model, options)


@given(NAMES, KINDS)
def test_every_name_gives_valid_names_or_is_refused(name: str, kind: str) -> None:
    """What is not refused can be a distribution, a package, a module and two classes, and an encoder's name."""
    try:
        names = names_of(name, kind)  # type: ignore[arg-type]
    except UsageError:
        assume(False)
    EncoderSpec(names.name, f"{names.package}.{names.module}:{names.model}", "", kind=names.kind)
    assert is_normalized_name(names.distribution)
    assert canonicalize_name(names.package) == names.distribution
    for identifier in (names.package, names.module, names.model, names.options, f"test_{names.slug}"):
        assert identifier.isidentifier() and not keyword.iskeyword(identifier)
    assert names.model != names.options
    assert {names.model, names.options} & {"EncoderInfo", "EncoderOptions", "EncoderSpec", "FloatArray"} == set()


@given(st.text(max_size=40))
def test_anything_else_is_a_usage_error(name: str) -> None:
    """Whatever is typed gives names or a UsageError with something to do about it."""
    try:
        names_of(name)
    except UsageError as error:
        assert error.hint


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("My Model", "must be lower-case", "'my-model' would do."),
        ("-bge", "must be lower-case", "'bge' would do."),
        ("bge-", "must end in a letter or digit", "'bge' would do."),
        ("harness-bge", "has the prefix", "'bge' would do."),
        ("Harness_bge", "must be lower-case", "'harness_bge' would do."),
        ("é", "must be lower-case", "Such as 'my-model'."),
        ("", "must be lower-case", "Such as 'my-model'."),
        ("x" * (LONGEST + 1), "has 33 characters", "at most 32"),
    ],
)
def test_refused_names(name: str, says: str, hint: str) -> None:
    """A name that cannot be is answered with why, and with the nearest one that can."""
    with pytest.raises(UsageError) as refused:
        names_of(name)
    assert says in refused.value.message
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize("name", ["hashing", "random"])
def test_names_of_installed_encoders_are_refused(name: str) -> None:
    """The core's own, and whatever a plugin has brought."""
    with pytest.raises(UsageError, match=f"the encoder '{name}' of lamir-harness .*\n  Choose another"):
        check_free(names_of(name), core())


def test_names_of_installed_plugins_are_refused(install: Callable[..., Path]) -> None:
    """An encoder whose name differs by its separator alone would have the same package, and is refused too."""
    plugin = (
        "from harness.plugins import EncoderSpec, hookimpl\n"
        "@hookimpl\ndef harness_encoders():\n    return [EncoderSpec('their.model', 'a:b', '')]\n"
    )
    install("theirs", {"their_plugin": plugin}, {"their": "their_plugin"})
    with pytest.raises(UsageError, match=r"'their-model' would be taken for the encoder 'their.model' of theirs 1\.0"):
        check_free(names_of("their-model"), default_registry())


def test_installed_distributions_and_packages_are_refused(install: Callable[..., Path]) -> None:
    """A distribution of the name that brings no encoder, and a package that no distribution owns."""
    install("harness-taken", {"nothing_in_particular": ""}, {}, version="2.5")
    with pytest.raises(UsageError, match=r"harness-taken 2\.5 is installed already"):
        check_free(names_of("taken"), core())
    install("another", {"harness_occupied": ""}, {})
    with pytest.raises(UsageError, match="importable package 'harness_occupied'"):
        check_free(names_of("occupied"), core())


def test_names_of_this_project_are_refused() -> None:
    """Every plugin of this project is refused by its name, whether it is installed or not, with how to get it."""
    assert first_party()
    for listed in first_party():
        with pytest.raises(UsageError, match=f"'{listed.name}' of this project") as refused:
            check_free(names_of(listed.name), core())
        assert "pip install" in (refused.value.hint or "")
        distribution = replace(names_of("free"), distribution=listed.distribution)
        with pytest.raises(UsageError, match="of this project"):
            check_free(distribution, core())


@pytest.mark.parametrize("name", ["rrf", "minmax", "rerank"])
def test_words_of_fusion_are_refused(name: str) -> None:
    """An encoder called like a fusion would read as one."""
    with pytest.raises(UsageError, match=f"'{name}' is a word of"):
        check_free(names_of(name), core())


def test_a_free_name_is_free() -> None:
    """A name that nobody has passes."""
    check_free(names_of("nobody-has-this"), default_registry())

"""From `key=value` strings to a loaded encoder, and what each mistake is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from harness.errors import DataError, UsageError
from harness.plugins import EncoderOptions, EncoderSpec
from harness.plugins.loading import instantiate, parse_assignments, validate_options
from harness.plugins.manager import RegisteredEncoder


class _Options(EncoderOptions):
    model: str = Field(min_length=1, description="a folder")
    batch_size: int = Field(8, ge=1, description="texts in one batch")
    layers: list[int] = Field([], description="layers to pool")


def _entry(options: type[EncoderOptions] = _Options, factory: str = "acme:Acme") -> RegisteredEncoder:
    return RegisteredEncoder(EncoderSpec("acme", factory, "an encoder", options), "acme-dist", "1.0")


@pytest.mark.parametrize(
    ("given_", "options"),
    [
        ((), {}),
        (("model=a=b",), {"model": "a=b"}),
        (("model=",), {"model": ""}),
        ((" model =x",), {"model": "x"}),
        (("prompt= two words ",), {"prompt": " two words "}),
        (("layers=[1, 2]", 'map={"a": null}'), {"layers": [1, 2], "map": {"a": None}}),
        (("acme.dim=3",), {"acme.dim": "3"}),
        (("template={title} {text}", "map={}"), {"template": "{title} {text}", "map": {}}),
    ],
)
def test_assignments(given_: tuple[str, ...], options: dict[str, Any]) -> None:
    """The first `=` splits, the value keeps its spaces, and lists and objects are read as JSON, templates are not."""
    assert parse_assignments(given_) == options


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (("dim",), "option 'dim' does not read key=value"),
        (("=3",), "option '=3' does not read key=value"),
        (("  =3",), "option '  =3' does not read key=value"),
        (("dim=1", "dim=2"), "option 'dim' is given twice"),
        (("layers=[1,",), "option 'layers' is not valid JSON"),
    ],
)
def test_assignments_that_are_refused(given_: tuple[str, ...], message: str) -> None:
    """Each mistake is named together with the option it is in."""
    with pytest.raises(UsageError) as caught:
        parse_assignments(given_)
    assert caught.value.message.startswith(message)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_][a-z0-9_.]*", fullmatch=True), st.lists(st.integers()) | st.text(), max_size=4
    )
)
def test_assignments_round_trip(options: dict[str, Any]) -> None:
    """What is written as key=value is read back: strings as they are, lists through JSON."""
    plain = {k: v for k, v in options.items() if not (isinstance(v, str) and v[:1] in ("[", "{"))}
    written = tuple(f"{k}={json.dumps(v) if isinstance(v, list) else v}" for k, v in plain.items())
    assert parse_assignments(written) == plain


def test_options_are_checked_and_converted() -> None:
    """Strings of the command line become the types that the schema wants."""
    checked = validate_options(_entry(), {"model": "x", "batch_size": "16", "layers": [1]})
    assert checked == _Options(model="x", batch_size=16, layers=[1])


def test_misspelt_option_gets_a_suggestion() -> None:
    """An unknown option is refused, and the nearest known one is suggested."""
    with pytest.raises(UsageError) as caught:
        validate_options(_entry(), {"model": "x", "batchsize": "16"})
    assert caught.value.message == "encoder 'acme' has no option 'batchsize'"
    assert caught.value.hint == "Did you mean 'batch_size'?"


def test_encoder_without_options_says_so() -> None:
    """Where there are no options at all, the error says that."""
    with pytest.raises(UsageError) as caught:
        validate_options(_entry(EncoderOptions), {"dim": "1"})
    assert caught.value.hint == "It takes no options."


def test_every_wrong_option_is_named() -> None:
    """One error lists all options at fault, with their description and the value that was given."""
    with pytest.raises(UsageError) as caught:
        validate_options(_entry(), {"model": "", "batch_size": "many"})
    assert "option model (a folder)" in caught.value.message
    assert "option batch_size (texts in one batch)" in caught.value.message
    assert "'many'" in caught.value.message


def test_missing_option_is_named() -> None:
    """A required option that was not given is named."""
    with pytest.raises(UsageError, match=r"option model \(a folder\): Field required"):
        validate_options(_entry(), {})


_FACTORIES = """
import sys
from harness.errors import DataError
class Good:
    def __init__(self, options):
        self.options = options
def raises(options):
    raise RuntimeError("no weights\\n  in here")
def exits(options):
    sys.exit("bye")
def refuses(options):
    raise DataError("the checkpoint is damaged", "Fetch it again.")
def interrupted(options):
    raise KeyboardInterrupt
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with factories of all sorts."""
    name = f"factories_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(_FACTORIES)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_factory_is_called_with_its_options(factories: str) -> None:
    """The loaded object is what the factory returned for exactly these options."""
    options = _Options(model="x")
    assert instantiate(_entry(factory=f"{factories}:Good"), options).options is options


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("{}:raises", "RuntimeError: no weights in here"),
        ("{}:exits", "SystemExit: bye"),
        ("{}:Missing", "AttributeError"),
        ("no_such_module_anywhere:Encoder", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    ],
)
def test_whatever_a_factory_throws_names_the_plugin(factories: str, factory: str, reason: str) -> None:
    """Foreign errors, SystemExit included, become one line that names encoder, distribution, version and cause."""
    with pytest.raises(UsageError) as caught:
        instantiate(_entry(factory=factory.format(factories)), _Options(model="x"))
    assert caught.value.message.startswith(f"encoder 'acme-dist:acme' (1.0) could not be loaded: {reason}")
    assert "\n" not in caught.value.message


def test_deliberate_errors_pass_unchanged(factories: str) -> None:
    """A HarnessError of the factory is already made for people and keeps its hint."""
    with pytest.raises(DataError) as caught:
        instantiate(_entry(factory=f"{factories}:refuses"), _Options(model="x"))
    assert str(caught.value) == "the checkpoint is damaged\n  Fetch it again."


def test_interruption_passes(factories: str) -> None:
    """Ctrl-C while weights load ends the command, and is no plugin's failure."""
    entry: Callable[[], Any] = lambda: instantiate(_entry(factory=f"{factories}:interrupted"), _Options(model="x"))  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        entry()

"""Variables, and what of them may be shown."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.main import cli
from harness.doctor.settings import KNOWN, findings, presentable


def test_only_what_matters_is_listed() -> None:
    """Variables of the harness, of the hub and of a few libraries, by name; nothing else of the environment."""
    given = {"HOME": "/root", "HF_HOME": "/hf", "HARNESS_CACHE": "/c", "OMP_NUM_THREADS": "2", "https_proxy": "p"}
    assert [(f.name, f.value, f.status) for f in findings(given)] == [
        ("HARNESS_CACHE", "/c", "ok"),
        ("HF_HOME", "/hf", "ok"),
        ("OMP_NUM_THREADS", "2", "ok"),
        ("https_proxy", "p", "ok"),
    ]
    assert [f.value for f in findings({"HOME": "/root"})] == ["none that matters is set"]


def test_misspelt_variables() -> None:
    """One that nothing reads and that resembles one of ours is a warning; a plugin's own is none."""
    found = {f.name: f for f in findings({"HARNESS_CAHCE": "/c", "HARNESS_OPENAI_URL": "u", "HARNESS_TASKS": "t"})}
    assert found["HARNESS_CAHCE"].status == "warning"
    assert found["HARNESS_CAHCE"].hint == "Nothing reads it. Did you mean HARNESS_CACHE?"
    assert found["HARNESS_OPENAI_URL"].status == found["HARNESS_TASKS"].status == "ok"


def _variables(command: click.Command, context: click.Context) -> set[str]:
    """The environment variables of a command and of all below it."""
    own = {p.envvar for p in command.params if isinstance(p.envvar, str)}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            own |= _variables(below, context) if below is not None and name != "train" else set()
    return own


def test_every_variable_of_the_command_line_is_known() -> None:
    """The list that misspelt names are compared with has all that the verbs read."""
    read = _variables(cli, click.Context(cli))
    assert "HARNESS_CACHE" in read
    assert read - KNOWN == set()


_SECRETS = {
    "HF_TOKEN": "hf_abc",
    "HARNESS_API_KEY": "9",
    "HARNESS_PASSWORD": "hunter",
    "HF_AUTH": "Basic abc",
    "HTTPS_PROXY": "http://user:pass@proxy:3128",
    "HARNESS_OPTION": "openai-compatible.api_key=abc",
    "HF_ENDPOINT": "https://mirror.example/?token=abc",
    "HARNESS_SOURCE": "sk-abcdef",
    "HARNESS_OUTPUT": "q8Zk2LmN4pR7tV9xB1cD3fG5",
    "HARNESS_RUN": "hf_AbCdEf",
    "HARNESS_TASK": "9f8b7c6d-1a2b-4c3d-8e9f-0a1b2c3d4e5f",
}


@pytest.mark.parametrize("name", _SECRETS)
def test_secrets_are_never_shown(name: str) -> None:
    """A name or a value that looks like a key, a token or a password is "set", and nothing of it is in the finding."""
    (finding,) = findings({name: _SECRETS[name]})
    assert finding.value == "set"
    assert _SECRETS[name] not in repr(finding)


@given(
    st.sampled_from(["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HARNESS_OPENAI_API_KEY", "HARNESS_SECRET_X"]),
    st.text(min_size=12),
)
def test_no_part_of_a_secret_is_shown(name: str, value: str) -> None:
    """Whatever the value of a variable that is called a token or a key, it is not in what is printed."""
    assert presentable(name, value) == "set"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HARNESS_CACHE", "/data/user_1/cache-2024/lamir"),
        ("HF_ENDPOINT", "https://hf-mirror.example"),
        ("HARNESS_TASKS", "miracl/sw,mr-tydi/*"),
        ("HARNESS_ENCODER", "multilingual-e5-small"),
        ("HF_HUB_OFFLINE", "1"),
    ],
)
def test_ordinary_values_are_shown(name: str, value: str) -> None:
    """Paths, addresses, names and patterns are what the doctor is asked for."""
    assert presentable(name, value) == value


def test_values_stay_on_one_line() -> None:
    """A line break in a value does not break the list, and an empty value is told from an unset one."""
    assert presentable("HARNESS_TASKS", "a\n b") == "a b"
    assert presentable("HARNESS_TASKS", "") == "empty"

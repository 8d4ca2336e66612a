"""The one place where errors become exit codes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import api
from harness.errors import DataError, ExitCode

Cli = Callable[..., Any]


def test_exit_codes_are_the_documented_ones() -> None:
    """0 ok, 1 some failed, 2 interrupted, 3 our defect, 4 usage or data, 5 nothing selected."""
    names = ["OK", "SOME_FAILED", "INTERRUPTED", "INTERNAL", "USAGE", "NOTHING_SELECTED"]
    assert {code.name: int(code) for code in ExitCode} == dict(zip(names, range(6), strict=True))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["tasks", "-h"], ["train", "--help"]])
def test_help(cli: Cli, arguments: list[str]) -> None:
    """Help goes to stdout and is a success."""
    done = cli(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: harness")


def test_help_lists_every_verb(cli: Cli) -> None:
    """The verbs are there, each with its sentence, and each one's own help begins with the same words."""
    out = cli("--help").out
    for verb in ("run", "encoders", "plugins", "check-plugin", "new-plugin", "tasks", "train", "leaderboard", "doctor"):
        (line,) = [line.split() for line in out.splitlines() if line.split()[:1] == [verb]]
        assert len(line) > 3
        assert cli(verb, "--help").code == 0


def test_version(cli: Cli) -> None:
    """--version prints the version of the package."""
    done = cli("--version")
    assert (done.code, done.out) == (0, f"harness, version {harness.__version__}\n")


def test_no_verb_shows_help(cli: Cli) -> None:
    """Without a verb the usage is shown, as a mistake."""
    done = cli()
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "Verbs:" in done.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rnu", "run"), ("encoder", "encoders"), ("leaderbord", "leaderboard"), ("check_plugin", "check-plugin")],
)
def test_misspelt_verb(cli: Cli, typed: str, meant: str) -> None:
    """A misspelt verb is answered with the one that was probably meant."""
    done = cli(typed)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert f"no verb '{typed}'" in done.err and f"'{meant}'" in done.err


def test_misspelt_flag(cli: Cli) -> None:
    """A misspelt flag likewise."""
    done = cli("run", "--encodr", "hashing")
    assert done.code == ExitCode.USAGE
    assert "No such option" in done.err and "--encoder" in done.err


def _raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def list_tasks() -> None:
        raise error

    monkeypatch.setattr(api, "list_tasks", list_tasks)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 2, "interrupted; what was finished is kept"),
        (SystemExit(0), 2, "harness: error: ended by SystemExit(0); what was finished is kept"),
        (SystemExit("bye"), 2, "harness: error: ended by SystemExit('bye'); what was finished is kept"),
        (DataError("x.jsonl:3: broken", "Mend it."), 4, "harness: error: x.jsonl:3: broken\n  Mend it.\n"),
        (RuntimeError("boom"), 3, "this is a defect of the harness"),
    ],
)
def test_errors_become_exit_codes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    """What is raised inside a verb decides the exit code; stdout stays empty and the message says what to do."""
    _raise(monkeypatch, error)
    done = cli("tasks")
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_traceback_on_request_only(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deliberate error is one message, and has a traceback with --traceback or HARNESS_TRACEBACK."""
    _raise(monkeypatch, DataError("broken"))
    assert "Traceback" not in cli("tasks").err
    assert "Traceback" in cli("--traceback", "tasks").err
    monkeypatch.setenv("HARNESS_TRACEBACK", "1")
    assert "Traceback" in cli("tasks").err


def test_defect_shows_where(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own defects always show their traceback."""
    _raise(monkeypatch, RuntimeError("boom"))
    assert "RuntimeError: boom" in cli("tasks").err


def _command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_process_ends_with_the_code(tmp_path: Path) -> None:
    """`python -m harness` is the command, and its exit status is the code."""
    assert _command("tasks", "miracl", cwd=tmp_path).returncode == 0
    assert _command("tasks", "zz*", cwd=tmp_path).returncode == 5
    failed = _command("tasks", "mirakl", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (4, "")


def test_reader_that_goes_away(tmp_path: Path) -> None:
    """`harness tasks --json | head -1` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "tasks", "--json"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_colour_where_nobody_watches(tmp_path: Path) -> None:
    """Into a pipe no escape sequence is written, whatever the terminal could do."""
    for environment in ({}, {"NO_COLOR": "1", "TERM": "xterm-256color"}):
        done = _command("--no-plugins", "encoders", env={**os.environ, **environment})
        assert "\x1b" not in done.stdout and "hashing" in done.stdout


def test_help_has_no_escapes(cli: Callable[..., Any]) -> None:
    """Examples stand one below the other, and no backslash tells how that was asked for."""
    for arguments in (["--help"], ["data", "--help"]):
        shown = cli(*arguments).out
        assert "\\" not in shown and "\b" not in shown
        assert all(line.lstrip().startswith("harness ") for line in shown.splitlines() if "harness run" in line)


def test_a_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    """`harness … | head -1` ends with 0, also for what is printed as a table."""
    for verb in ("encoders", "tasks", "data"):
        script = f"import sys; from harness.cli.main import main; sys.exit(main(['{verb}']))"
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout and process.stderr
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")
        process.stderr.close()


_NOISE = """
import ctypes, os, subprocess, sys
from harness.cli import main

def noisy():
    os.write(1, b"descriptor ")
    ctypes.CDLL(None).printf(b"library ")  # held by the C library until the process ends
    subprocess.run([sys.executable, "-c", "print('child', end=' ')"], check=True)
    print("data")
    return 3

main.main = noisy
main.entry_point()
"""


def test_stdout_is_for_data_whoever_writes_to_it() -> None:
    """Descriptor 1, a C library's buffer and a child process end on stderr; what is printed stays on stdout."""
    done = subprocess.run([sys.executable, "-c", _NOISE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (3, "data\n"), done.stderr
    assert set(done.stderr.split()) == {"descriptor", "library", "child"}


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str) -> None:
    """A caller who has closed stdout or stderr gets the exit code, and no traceback."""
    command = f"{shlex.quote(sys.executable)} -m harness tasks miracl {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")

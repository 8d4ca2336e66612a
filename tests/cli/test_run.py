"""`harness run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.engine import execute

Cli = Callable[..., Any]
Install = Callable[..., Path]
Write = Callable[..., Path]

_ONE = ("--tasks", "miracl/sw", "--output", "out")
_ENCODER = """
import sys
import numpy as np
from harness.encoders.protocols import EncoderInfo

class Loud:
    def __init__(self, options):
        print("loading")
        self.info = EncoderInfo(name="loud", dim=4, fingerprint="loud")
    def encode(self, texts, *, role, language=None):
        print("encoding", len(texts))
        return np.full((len(texts), 4), 0.5, dtype=np.float32)

class Fails(Loud):
    def encode(self, texts, *, role, language=None):
        if language == "sw":
            raise RuntimeError("no Swahili [/today]")
        return super().encode(texts, role=role)

class Interrupted(Loud):
    def encode(self, texts, *, role, language=None):
        raise KeyboardInterrupt
"""


@pytest.fixture
def toys(install: Install) -> None:
    """A distribution with the encoders loud, fails, interrupted and absent."""
    specs = ", ".join(
        f"EncoderSpec('{name.lower()}', 'toys:{name}', '')" for name in ("Loud", "Fails", "Interrupted", "Absent")
    )
    plugin = (
        f"from harness.plugins import EncoderSpec, hookimpl\n@hookimpl\ndef harness_encoders():\n    return [{specs}]\n"
    )
    install("toy-dist", {"toy_plugin": plugin, "toys": _ENCODER}, {"toys": "toy_plugin"})


def _files() -> list[str]:
    return sorted(path.as_posix() for path in Path("out").rglob("*.json"))


def test_json_is_one_object_and_nothing_else(cli: Cli) -> None:
    """--json prints one object whose rows have the documented fields, with scores as fractions and their counts."""
    done = cli("run", "-e", "hashing", *_ONE, "--json")
    assert done.code == 0
    found = done.json()
    assert set(found) == {"results"}
    (row,) = found["results"]
    assert set(row) == {"encoder", "task", "subset", "split", "status", "metrics", "counts", "error", "reused"}
    assert [row[key] for key in ("encoder", "task", "subset", "split", "status")] == [
        "hashing",
        "miracl",
        "sw",
        "dev",
        "ok",
    ]
    assert row["counts"] == {"queries": 40, "scored": 40, "passages": 40, "judgements": 40, "relevant": 40}
    assert set(row["metrics"]) == {"ndcg@10", "recall@100", "mrr@100"}
    assert all(0 <= value <= 1 for value in row["metrics"].values())
    assert row["metrics"]["recall@100"] == 1.0  # forty passages, a hundred retrieved
    assert row["error"] is None and row["reused"] is False
    assert _files() == ["out/pocket/miracl/dev/" + Path(_files()[0]).name]


def test_table_and_files(cli: Cli) -> None:
    """Without --json a table and the result files are printed; what the table shows is what the file holds."""
    done = cli("run", "-e", "hashing", *_ONE)
    assert done.code == 0
    assert "MIRACL v1.0: nDCG@10" in done.out
    (path,) = _files()
    assert f"Results:\n  {path}\n" in done.out
    score = json.loads(Path(path).read_text("utf-8"))["subsets"]["sw"]["metrics"]["ndcg@10"]
    assert f" {100 * score:.1f} " in done.out
    assert "hashing: 1 subsets, 80 texts to encode" in done.err and "miracl/sw" in done.err


def test_second_run_computes_nothing(cli: Cli) -> None:
    """Running again finds every result, says so, encodes nothing, and leaves the file as it is."""
    first = cli("run", "-e", "hashing", *_ONE, "--json").json()["results"][0]
    (path,) = _files()
    before = Path(path).read_bytes()
    again = cli("run", "-e", "hashing", *_ONE)
    assert (again.code, again.err) == (0, "")
    assert "hashing: nothing to compute, all 1 results were there already." in again.out
    assert cli("run", "-e", "hashing", *_ONE, "--json").json()["results"] == [{**first, "reused": True}]
    assert Path(path).read_bytes() == before


def test_more_of_the_same(cli: Cli) -> None:
    """A wider selection computes what is missing and says how much was there."""
    cli("run", "-e", "hashing", *_ONE)
    done = cli("run", "-e", "hashing", "--tasks", "miracl/sw,miracl/yo", "--output", "out")
    assert "hashing: 1 of 2 results were there already." in done.out
    assert len(_files()) == 1


@pytest.mark.parametrize(("overwrite", "encoded"), [("only-missing", None), ("always", 0)])
def test_overwrite(cli: Cli, overwrite: str, encoded: int | None) -> None:
    """only-missing keeps what is there; always scores again, from the vectors that are stored."""
    cli("run", "-e", "hashing", *_ONE)
    (path,) = _files()
    damaged = json.loads(Path(path).read_text("utf-8"))
    damaged["subsets"]["sw"]["timings"]["encoded_texts"] = 12345
    Path(path).write_text(json.dumps(damaged), "utf-8")
    row = cli("run", "-e", "hashing", *_ONE, "--overwrite", overwrite, "--json").json()["results"][0]
    assert row["reused"] is (overwrite == "only-missing")
    written = json.loads(Path(path).read_text("utf-8"))["subsets"]["sw"]["timings"]["encoded_texts"]
    assert written == (12345 if encoded is None else encoded)


def test_overwrite_never(cli: Cli) -> None:
    """Never computes nothing: results that are there are shown, others are not made."""
    done = cli("run", "-e", "hashing", *_ONE, "--overwrite", "never", "--json")
    assert (done.code, done.json()) == (0, {"results": []})
    assert _files() == []


def test_dry_run(cli: Cli) -> None:
    """--dry-run prints what would be run and writes nothing; afterwards it says what is there."""
    arguments = ("run", "-e", "hashing", *_ONE, "--dry-run")
    (row,) = cli(*arguments, "--json").json()["plan"]
    assert row == {
        "encoder": "hashing", "task": "miracl", "subset": "sw", "split": "dev", "queries": 40, "passages": 40,
        "scored": False, "to_encode": 80,
    }  # fmt: skip
    done = cli(*arguments)
    assert done.code == 0 and "1 of 1 subsets to score, 80 texts to encode; nothing was run." in done.out
    assert _files() == [] and not Path("cache").exists()
    cli("run", "-e", "hashing", *_ONE)
    (row,) = cli(*arguments, "--json").json()["plan"]
    assert (row["scored"], row["to_encode"]) == (True, 0)


def test_limit_marks_partial(cli: Cli) -> None:
    """--limit scores the first N queries, marks the result and its file, and never stands in for the whole."""
    done = cli("run", "-e", "hashing", *_ONE, "--limit", 5)
    assert "Partial: --limit was given; boards refuse these results." in done.out
    (path,) = _files()
    assert path.endswith(".limit-5.json")
    (row,) = cli("run", "-e", "hashing", *_ONE, "--limit", 5, "--json").json()["results"]
    assert (row["status"], row["counts"]["queries"], row["counts"]["passages"]) == ("partial", 5, 40)
    (whole,) = cli("run", "-e", "hashing", *_ONE, "--json").json()["results"]
    assert (whole["status"], whole["reused"], whole["counts"]["queries"]) == ("ok", False, 40)
    assert len(_files()) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "0.5", "all"])
def test_limit_must_be_a_positive_integer(cli: Cli, limit: str) -> None:
    """Anything else is refused before anything runs."""
    done = cli("run", "-e", "hashing", *_ONE, "--limit", limit)
    assert done.code == 4 and "--limit" in done.err and _files() == []


def test_several_encoders_with_their_options(cli: Cli) -> None:
    """NAME.key=value goes to that encoder alone; each encoder has rows and a file of its own."""
    done = cli("run", "-e", "hashing", "-e", "random", "-o", "hashing.dim=64", "-o", "random.seed=7", *_ONE, "--json")
    assert [row["encoder"] for row in done.json()["results"]] == ["hashing", "random"]
    cards = {card["name"]: card for card in (json.loads(Path(p).read_text("utf-8"))["encoder"] for p in _files())}
    assert cards["hashing"]["options"] == {"dim": 64, "min_n": 3, "max_n": 5}
    assert cards["random"]["options"] == {"dim": 64, "seed": 7}


def test_options_of_one_encoder(cli: Cli) -> None:
    """With one encoder the bare key is enough, and another option makes another file."""
    for dim in (32, 64):
        assert cli("run", "-e", "hashing", "-o", f"dim={dim}", *_ONE).code == 0
    assert sorted(json.loads(Path(p).read_text("utf-8"))["encoder"]["dim"] for p in _files()) == [32, 64]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-e", "hashin"), "Did you mean 'hashing'?"),
        (("-e", "hashing", "-o", "dims=3"), "Did you mean 'dim'?"),
        (("-e", "hashing", "-o", "dim=many"), "option dim (number of hash buckets): Input should be a valid integer"),
        (
            ("-e", "hashing", "-o", "dim=0"),
            "option dim (number of hash buckets): Input should be greater than or equal to 1",
        ),
        (("-e", "hashing", "-o", "min_n=9"), "hashing: min_n=9 is above max_n=5"),
        (("-e", "hashing", "-o", "dim"), "option 'dim' does not read key=value"),
        (("-e", "hashing", "-e", "random", "-o", "seed=1"), "option 'seed' names none of the encoders that run"),
        (("-e", "hashing", "-o", "randm.seed=1"), "option 'randm.seed' names none of the encoders that run"),
        (("-e", "hashing", "-t", "mirakl"), "Did you mean 'miracl'"),
        (("-e", "hashing", "-t", "miracl/swa"), "Did you mean 'sw'?"),
        (("-e", "hashing", "-l", "swh"), "Did you mean 'sw'?"),
        (("-e", "hashing", "-t", "miracl", "--split", "test"), "miracl/ar has no split 'test'"),
        (
            ("-e", "hashing", "-s", "no/such/folder"),
            "source 'no/such/folder' is neither 'pocket' nor 'hub' nor an existing folder",
        ),
        (("-e", "hashing", "--corpus-from", "en"), "--corpus-from goes with a folder source"),
        (("-e", "hashing", "--overwrite", "sometimes"), "'sometimes' is not one of"),
        ((), "Missing option '--encoder' / '-e'"),
    ],
)
def test_mistakes_start_nothing(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    """Every mistake is exit 4 with a message on stderr; nothing is printed, encoded or written."""
    done = cli("run", *arguments, "--output", "out")
    assert (done.code, done.out) == (4, "")
    assert message in done.err and "Traceback" not in done.err
    assert not Path("out").exists() and not Path("cache").exists()


def test_mistake_in_the_second_encoder_starts_nothing(cli: Cli) -> None:
    """All encoders and options are checked before the first one runs."""
    done = cli("run", "-e", "random", "-e", "hashing", "-o", "hashing.dims=3", *_ONE)
    assert done.code == 4 and not Path("out").exists()


def test_nothing_selected(cli: Cli) -> None:
    """A valid selection that is empty is exit 5."""
    done = cli("run", "-e", "hashing", "-t", "xor-tydi", "-l", "sw")
    assert (done.code, done.out) == (5, "")
    assert "no subset matches tasks xor-tydi and languages sw" in done.err


def test_failing_subset_is_told_and_the_rest_goes_on(cli: Cli, toys: None) -> None:
    """A subset that fails is a failed row with its reason and exit 1; the others are scored and kept."""
    done = cli("run", "-e", "fails", "-t", "miracl/sw,miracl/yo", "--output", "out", "--json")
    assert done.code == 1
    rows = {row["subset"]: row for row in done.json()["results"]}
    assert (rows["sw"]["status"], rows["yo"]["status"]) == ("failed", "ok")
    assert rows["sw"]["error"].startswith("RuntimeError: no Swahili [/today] (in encode, toys.py:")
    assert rows["sw"]["metrics"] == {} and rows["sw"]["counts"] == {}
    table = cli("run", "-e", "fails", "-t", "miracl/sw,miracl/yo", "--output", "out")
    assert table.code == 1 and "failed" in table.out
    assert "no Swahili [/today]" in table.err  # square brackets are no markup


def test_fail_fast(cli: Cli, toys: None) -> None:
    """--fail-fast stops at the first failure, the encoders that would follow included."""
    done = cli(
        "run", "-e", "fails", "-e", "hashing", "-t", "miracl/sw,miracl/yo", "--output", "out", "--fail-fast", "--json"
    )
    assert done.code == 1
    assert [(row["encoder"], row["subset"], row["status"]) for row in done.json()["results"]] == [
        ("loud", "sw", "failed")
    ]


def test_failures_are_tried_again(cli: Cli, toys: None) -> None:
    """A failed subset is no result: the next run tries it again."""
    for _ in range(2):
        done = cli("run", "-e", "fails", *_ONE, "--json")
        assert [row["reused"] for row in done.json()["results"]] == [False]


def test_interruption(cli: Cli, toys: None) -> None:
    """Ctrl-C is exit 2, and says that the same command goes on from there."""
    done = cli("run", "-e", "interrupted", *_ONE)
    assert (done.code, done.out) == (2, "")
    assert "interrupted; what was finished is kept" in done.err


def test_interrupted_run_keeps_what_was_finished(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that were there when Ctrl-C came are used by the next run."""
    genuine, calls = execute.Retriever.retrieve, []

    def second_one_is_interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return genuine(*arguments)

    monkeypatch.setattr(execute.Retriever, "retrieve", second_one_is_interrupted)
    arguments = ("run", "-e", "hashing", "-t", "miracl/sw,miracl/yo", "--output", "out", "--json")
    assert cli(*arguments).code == 2
    assert [row["reused"] for row in cli(*arguments).json()["results"]] == [True, False]


def test_encoder_that_prints_keeps_json_clean(cli: Cli, toys: None) -> None:
    """What an encoder prints while it loads or encodes goes to stderr."""
    done = cli("run", "-e", "loud", *_ONE, "--json")
    assert done.json()["results"][0]["status"] == "ok"
    assert "loading" in done.err and "encoding" in done.err
    assert "loading" not in cli("run", "-e", "loud", *_ONE).out


def test_encoder_that_cannot_be_loaded(cli: Cli, toys: None) -> None:
    """A factory that is not there is exit 4 and names the plugin."""
    done = cli("run", "-e", "absent", *_ONE)
    assert (done.code, done.out) == (4, "")
    assert "encoder 'toy-dist:absent' (1.0) could not be loaded: AttributeError" in done.err


def test_broken_plugin_hurts_only_who_asks_for_it(cli: Cli, install: Install) -> None:
    """With a broken plugin installed a healthy encoder runs; asking for the broken one says why."""
    install("bad-dist", {"bad_plugin": "import no_such_module_anywhere"}, {"bad": "bad_plugin"})
    done = cli("run", "-e", "hashing", *_ONE, "--json")
    assert done.code == 0 and done.json()["results"][0]["status"] == "ok"
    assert "bad-dist 1.0 was skipped (import)" in done.err
    broken = cli("run", "-e", "bad", *_ONE)
    assert broken.code == 4
    assert "there is no encoder 'bad'" in broken.err and "No module named 'no_such_module_anywhere'" in broken.err
    assert cli("--no-plugins", "run", "-e", "hashing", *_ONE).err == ""


def test_folder_source(cli: Cli, tmp_path: Path, write_subset: Write) -> None:
    """A BEIR folder runs like the embedded collection: --corpus-from pairs, --split chooses, repeats count once."""
    for language, word in (("en", "river"), ("sw", "river mto")):
        corpus = {"d1": f"a {word}", "d2": "the moon", "d3": "some bread"}
        queries = {"q1": "river?", "q2": "moon?", "q3": "moon?"}
        write_subset(
            tmp_path / "own" / language,
            corpus,
            queries,
            {"q1": {"d1": 1}, "q2": {"d2": 1}, "q3": {"d2": 1}},
            split="dev",
        )
    arguments = ("run", "-e", "hashing", "--source", tmp_path / "own", "--output", "out", "--json")
    rows = cli(*arguments).json()["results"]
    assert [(r["task"], r["subset"], r["split"]) for r in rows] == [("own", "en", "dev"), ("own", "sw", "dev")]
    assert rows[0]["metrics"]["ndcg@10"] == 1.0
    assert (rows[0]["counts"]["queries"], rows[0]["counts"]["scored"]) == (3, 2)
    paired = cli(*arguments, "--corpus-from", "en", "--languages", "sw").json()["results"]
    assert [(r["subset"], r["status"]) for r in paired] == [("sw-en", "ok")]
    assert any("own--from-en" in path for path in _files())


def test_malformed_folder_is_refused(cli: Cli, tmp_path: Path, write_subset: Write) -> None:
    """All malformed subsets are listed with file and line, exit 4, and nothing is encoded."""
    for name in ("ar", "en"):
        folder = write_subset(tmp_path / "own" / name, {"d1": "x"}, {"q1": "y"}, {"q1": {"d1": 1}})
        (folder / "queries.jsonl").write_text('{"_id": "q1"\n', "utf-8")
    done = cli("run", "-e", "hashing", "--source", tmp_path / "own", "--output", "out")
    assert (done.code, done.out) == (4, "")
    for name in ("ar", "en"):
        assert f"{tmp_path / 'own' / name / 'queries.jsonl'}:1: not valid JSON" in done.err
    assert not Path("out").exists() and not Path("cache/embeddings").exists()


def test_variables(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """One HARNESS_* variable stands for each flag, lists included; a flag on the line wins."""
    values = {
        "ENCODER": "hashing random", "OPTION": "hashing.dim=32 random.seed=5", "TASKS": "miracl,mr-tydi",
        "LANGUAGES": "sw", "LIMIT": "3", "OUTPUT": "elsewhere", "JSON": "1",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"HARNESS_{name}", value)
    rows = cli("run").json()["results"]
    assert [(r["encoder"], r["task"], r["subset"], r["counts"]["queries"]) for r in rows] == [
        (encoder, task, "sw", 3) for encoder in ("hashing", "random") for task in ("mr-tydi", "miracl")
    ]
    assert {p.name.split("-")[0] for p in Path("elsewhere").rglob("*.json")} == {"hashing", "random"}
    (row,) = cli("run", "-e", "hashing", "-o", "dim=16", "-t", "miracl", "--limit", 2).json()["results"]
    assert row["counts"]["queries"] == 2
    monkeypatch.setenv("HARNESS_DRY_RUN", "1")
    assert "plan" in cli("run").json()


def test_cache_is_where_it_is_wanted(cli: Cli, tmp_path: Path) -> None:
    """--cache holds the embeddings; without it $HARNESS_CACHE does."""
    cli("run", "-e", "hashing", *_ONE, "--cache", "mine")
    assert list(Path("mine/embeddings").glob("*/*.vectors.npy")) and not (tmp_path / "cache").exists()
    cli("run", "-e", "hashing", *_ONE, "--overwrite", "always")
    assert list((tmp_path / "cache" / "embeddings").glob("*/*.vectors.npy"))


def test_as_a_process(tmp_path: Path) -> None:
    """From a shell: stdout is the JSON, progress is on stderr, and the exit status is the code."""
    arguments = [
        sys.executable,
        "-m",
        "harness",
        "run",
        "-e",
        "random",
        "-t",
        "xor-tydi/te",
        "--output",
        str(tmp_path),
        "--json",
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert {"r@2kt", "r@5kt"} <= set(row["metrics"])
    assert "xor-tydi/te" in done.stderr


def test_the_hub_wants_to_know_what(cli: Cli) -> None:
    """Nobody fetches every benchmark by leaving a flag out."""
    done = cli("run", "-e", "hashing", "--source", "hub", "--output", "out")
    assert (done.code, done.out) == (4, "")
    assert "say what with --tasks" in done.err and "`harness data` lists the benchmarks" in done.err


def test_a_dry_run_on_the_hub_fetches_nothing(cli: Cli) -> None:
    """It says what is not here, and the command that gets it."""
    done = cli("run", "-e", "hashing", "--source", "hub", "-t", "mr-tydi", "-l", "sw,te", "--dry-run")
    assert (done.code, done.out) == (4, "")
    assert "2 subset(s) are not here: mr-tydi/sw, mr-tydi/te" in done.err
    assert "Get them: harness data fetch mr-tydi" in done.err


@pytest.mark.parametrize("arguments", [("--tasks", ""), ("--tasks", " , "), ("--languages", "")])
def test_a_blank_pattern_is_not_everything(cli: Cli, arguments: tuple[str, ...]) -> None:
    """A script with an unset variable is told so, and runs nothing."""
    done = cli("run", "-e", "hashing", *arguments, "--output", "out")
    assert (done.code, done.out) == (4, "")
    assert "an empty pattern names nothing" in done.err


def test_a_benchmark_that_the_source_does_not_have(cli: Cli) -> None:
    """It is no typing mistake: the message says where the benchmark comes from."""
    done = cli("run", "-e", "hashing", "--tasks", "ciral")
    assert done.code == 4
    assert "ciral is not in this source" in done.err and "harness data ciral" in done.err


def test_an_output_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    """One sentence with the place, and no traceback."""
    (tmp_path / "file").write_text("", "utf-8")
    done = cli("run", "-e", "hashing", "-t", "miracl/sw", "--output", tmp_path / "file" / "below")
    assert done.code == 4
    assert "Traceback" not in done.err and str(tmp_path / "file") in done.err


def test_a_limit_counts_its_own_queries(cli: Cli, tmp_path: Path, write_subset: Write) -> None:
    """Queries that were left out as repeats of the whole set are not counted beside the first one."""
    queries = {"q1": "one?", "q2": "two?", "q3": "one?", "q4": "one?"}
    write_subset(tmp_path / "own" / "sw", {"d1": "x", "d2": "y"}, queries, {q: {"d1": 1} for q in queries})
    done = cli("run", "-e", "hashing", "--source", tmp_path / "own", "--limit", "1", "--json")
    (row,) = done.json()["results"]
    assert (row["counts"]["queries"], row["counts"]["scored"]) == (1, 1)

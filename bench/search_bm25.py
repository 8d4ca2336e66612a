r"""The plugin `bm25` against bm25s with bm25s's own tokens, in alternation, language by language.

    python bench/search_bm25.py [--source FOLDER|pocket] [--languages ar en th] [--rounds 5]

Both score with bm25s; what differs is how texts become tokens. Ours has an analysis for each language (Unicode forms,
stems, Thai words, pairs of characters); theirs is `bm25s.tokenize` as it stands: lower case, `\b\w\w+\b`, English
stop words, no stems. So ours does more for each text, and takes longer: see plugins/bm25/README.md for what that buys.
Theirs is used in its fastest way, all queries in one call.

Each is measured in processes of its own that take turns. A process goes through all languages once untimed, which
loads dictionaries, and once timed. Times are processor time, which others on the machine disturb least: "index" is from
texts to a searchable index, "tokens" the part of it that tokenizing takes, "query" from a text to the best 100. The
ratios are of medians, ours / bm25s: above 1, ours is slower. Memory is the peak of resident memory above that of
imports and data; in ours the Thai dictionary takes most of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

_DATA = Path(os.environ.get("HARNESS_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_DEPTH = 100
_TIMES = ("index", "tokens", "query")
_NAMES = ("ours", "bm25s")
_Figures = dict[str, dict[str, float]]  # by language: counts of texts, and seconds


def main() -> None:
    """Run both in turn, print the table of ratios."""
    xquad = _DATA / "retrieval" / "xquad"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=str(xquad) if xquad.is_dir() else "pocket")
    parser.add_argument("--languages", nargs="+", default=["*"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=_NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options.one, options.source, options.languages)))
        return
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _NAMES}
    for _ in range(options.rounds):
        for name, runs in found.items():
            command = [sys.executable, __file__, "--one", name, "--source", options.source]
            command += ["--languages", *options.languages]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
            if done.returncode:
                raise SystemExit(f"{name}: failed")
            runs.append(json.loads(done.stdout.splitlines()[-1]))
    ours, theirs = (_medians([run["languages"] for run in found[name]]) for name in _NAMES)
    _print(ours, theirs)
    print(f"\n{Path(options.source).name}, medians of {options.rounds}; all:", end=" ")
    memories = {name: statistics.median(run["memory"] for run in runs) for name, runs in found.items()}
    for name, figures in zip(_NAMES, (ours, theirs), strict=True):
        row = figures["all"]
        print(
            f"{name} {row['index']:.2f} s to index, {1000 * row['query'] / row['queries']:.2f} ms a query, "
            f"+{memories[name] / 2**20:,.0f} MiB",
            end="; " if name == _NAMES[0] else "\n",
        )


def _medians(runs: list[_Figures]) -> _Figures:
    """Medians of each language, and of the sums over all of them."""
    for run in runs:
        run["all"] = {key: sum(row[key] for row in run.values()) for key in next(iter(run.values()))}
    return {
        language: {key: statistics.median(run[language][key] for run in runs) for key in row}
        for language, row in runs[0].items()
    }


def _print(ours: _Figures, theirs: _Figures) -> None:
    """The table: one row for each language, and one for all."""
    print(f"| ours / bm25s, time | passages, queries | {' | '.join(_TIMES)} |")
    print("| --- | --- | --- | --- | --- |")
    for language, row in ours.items():
        ratios = " | ".join(f"{row[key] / theirs[language][key]:.2f}" for key in _TIMES)
        print(f"| {language} | {row['passages']:,.0f}, {row['queries']:,.0f} | {ratios} |")


class _Contestant(Protocol):
    """What is measured."""

    def tokenize(self, passages: list[str], language: str) -> None:
        """Tokens alone."""

    def index(self, passages: list[str], language: str) -> None:
        """An index of passages."""

    def search(self, queries: list[str], k: int) -> None:
        """The best `k` of the passages for each query."""


class _Ours:
    """The plugin."""

    def __init__(self) -> None:
        from harness_bm25.analysis import Analysis
        from harness_bm25.plugin import Bm25Options
        from harness_bm25.searcher import Bm25Searcher

        self._options, self._analysis = Bm25Options(), Analysis
        self._searcher = Bm25Searcher(self._options)

    def tokenize(self, passages: list[str], language: str) -> None:
        """The plugin's analysis of the language."""
        analysis = self._analysis(language, self._options)
        for passage in passages:
            analysis.tokens(passage)

    def index(self, passages: list[str], language: str) -> None:
        """Tokens and postings."""
        self._searcher.index(passages, language=language)

    def search(self, queries: list[str], k: int) -> None:
        """One query after the other."""
        self._searcher.search(queries, k)


class _Bm25s:
    """The library with its own tokens and its own settings."""

    def __init__(self) -> None:
        import bm25s

        self._library: Any = bm25s
        self._index: Any = None

    def tokenize(self, passages: list[str], language: str) -> None:
        """The library's own tokens, whatever the language."""
        self._library.tokenize(passages, show_progress=False)

    def index(self, passages: list[str], language: str) -> None:
        """Tokens and postings."""
        self._index = self._library.BM25()
        self._index.index(self._library.tokenize(passages, show_progress=False), show_progress=False)

    def search(self, queries: list[str], k: int) -> None:
        """All queries in one call."""
        self._index.retrieve(self._library.tokenize(queries, show_progress=False), k=k, show_progress=False)


def _measure(name: str, source: str, languages: list[str]) -> dict[str, Any]:
    """Seconds of one contestant in each language, and its peak of memory."""
    with tempfile.TemporaryDirectory() as cache:
        data = _read(source, languages, Path(cache))
    contestant: _Contestant = _Ours() if name == "ours" else _Bm25s()
    before, found = _peak(), dict[str, dict[str, float]]()
    for _ in ("untimed", "timed"):
        for label, (language, passages, queries) in data.items():
            marks = [time.process_time()]
            contestant.tokenize(passages, language)
            marks.append(time.process_time())
            contestant.index(passages, language)
            marks.append(time.process_time())
            contestant.search(queries, min(_DEPTH, len(passages)))
            marks.append(time.process_time())
            tokens, index, query = (after - start for start, after in pairwise(marks))
            found[label] = {"passages": len(passages), "queries": len(queries)}
            found[label] |= {"tokens": tokens, "index": index, "query": query}
    return {"languages": found, "memory": _peak() - before}


def _read(source: str, languages: list[str], cache: Path) -> dict[str, tuple[str, list[str], list[str]]]:
    """Language, passages and queries of each subset with one language."""
    from harness.sources import open_source
    from harness.tasks.selection import Selection, select

    opened, found = open_source(source, cache=cache), {}
    tasks = ("miracl",) if source == "pocket" else ("*",)
    for selected in select(opened.tasks(), Selection(tasks=tasks, languages=tuple(languages))):
        subset, task = selected.subset, selected.task
        if subset.query_language != subset.passage_language:
            continue
        collection = opened.load(selected)
        rendered = collection.corpus.render_all(task.passage_template, task.lowercase)
        passages = [passage for batch in rendered for passage in batch]
        found[subset.name] = (subset.passage_language, passages, list(collection.queries.texts))
    return found


def _peak() -> int:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise KeyError("VmHWM")


if __name__ == "__main__":
    main()

"""Fixtures of the metrics' tests: real judgements and adversarial runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

Qrels = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]


@pytest.fixture(scope="session")
def official_qrels(shared_data: Path) -> Callable[[str], Qrels]:
    """A function that reads the official qrels file whose path below `official/` it is given."""

    def read(name: str) -> Qrels:
        qrels: Qrels = {}
        for line in (shared_data / "official" / name).read_text("utf-8").splitlines():
            query, _, passage, grade = line.split()
            qrels.setdefault(query, {})[passage] = int(grade)
        return qrels

    return read


@pytest.fixture(scope="session")
def adversarial_run() -> Callable[..., Run]:
    """A function that makes a run for some qrels, full of what goes wrong in practice."""

    def make(qrels: Qrels, *, ties: bool = True, seed: int = 0) -> Run:
        rng = random.Random(seed)
        pool = sorted({passage for grades in qrels.values() for passage in grades})
        run: Run = {"a topic that nobody judged": {pool[0]: 1.0}, "another, without results": {}}
        for number, (query, grades) in enumerate(qrels.items()):
            if number % 11 == 5:  # a missing topic
                continue
            if number % 11 == 6:  # a topic that found nothing
                run[query] = {}
                continue
            hits = rng.sample(pool, k=min(len(pool), rng.choice([1, 9, 10, 11, 100, 101, 150])))
            hits += [passage for passage in grades if rng.random() < 0.7]  # among them explicit zeros
            hits += [f"unjudged-{i}" for i in range(rng.randrange(8))]
            hits = list(dict.fromkeys(hits))
            rng.shuffle(hits)
            if not ties:
                scores = [float(score) for score in rng.sample(range(1, 10_000), len(hits))]
            else:
                levels = [1.0] if number % 7 == 0 else [-1.0, 0.0, 0.5, 1.0, 1e30, -1e30]
                scores = [rng.choice(levels) for _ in hits]
            run[query] = dict(zip(hits, scores, strict=True))
        return run

    return make


@pytest.fixture
def punkt_tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NLTK's own layout of the sentence model, made from the tables that ship with the harness, and NLTK using it."""
    import shutil
    from importlib.resources import as_file, files

    import nltk
    from nltk.tokenize import _get_punkt_tokenizer

    folder = tmp_path / "nltk_data" / "tokenizers" / "punkt_tab" / "english"
    with as_file(files("harness.metrics") / "punkt_english") as tables:
        shutil.copytree(tables, folder)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nltk_data")])
    _get_punkt_tokenizer.cache_clear()
    return folder


@pytest.fixture
def real_passages(shared_data: Path, punkt_tab: Path) -> Callable[[int], list[str]]:
    """A function that gives the first n English paragraphs of XQuAD."""
    import gzip
    import json

    def read(count: int) -> list[str]:
        with gzip.open(shared_data / "retrieval" / "xquad" / "en" / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line)["text"] for line, _ in zip(lines, range(count), strict=False)]

    return read

"""Measure a checkpoint on evaluation folders in the BEIR layout, with nothing but numpy.

    python scripts/measure.py DATA/retrieval [--checkpoint FOLDER]

It prints MRR@100 on documents without their titles: XQuAD across languages (questions in every
language on the English paragraphs) and within each, and every other folder as it stands. It is
kept apart from the harness's own engine on purpose, so that each checks the other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
from harness_lamir.encoder import LamirEncoder, load
from harness_lamir.plugin import LamirOptions


def read(path: Path) -> dict[str, str]:
    """Return the texts of a gzipped JSON-lines file by their ids."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return {row["_id"]: row["text"] for row in map(json.loads, stream)}


def relevant(folder: Path) -> dict[str, set[str]]:
    """Return the documents of positive grade of each query."""
    found: dict[str, set[str]] = {}
    (path,) = (folder / "qrels").glob("*.tsv")
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")[:3]
        if int(grade) > 0:
            found.setdefault(query, set()).add(document)
    return found


def mrr(encoder: LamirEncoder, queries: Path, corpus: Path) -> float:
    """Return MRR@100 of the queries of one folder on the corpus of another.

    Ties count against the encoder: a document of the same score stands before the relevant one.
    """
    documents = read(corpus / "corpus.jsonl.gz")
    judged = relevant(queries)
    questions = {i: t for i, t in read(queries / "queries.jsonl.gz").items() if i in judged}
    matrix = encoder.encode(list(documents.values()), role="passage")  # (docs, dim)
    vectors = encoder.encode(list(questions.values()), role="query")  # (queries, dim)
    position = {document: index for index, document in enumerate(documents)}
    total = 0.0
    for question, scores in zip(questions, vectors @ matrix.T, strict=True):
        hits = [position[document] for document in judged[question] if document in position]
        best = max(scores[hits], default=-np.inf)
        others = np.delete(scores, hits)
        rank = 1 + int((others >= best).sum())
        total += 1 / rank if rank <= 100 and hits else 0.0
    return total / len(questions)


def xquad(encoder: LamirEncoder, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return MRR@100 by language: on the English paragraphs, and on its own (English left out)."""
    languages = sorted(path.name for path in folder.iterdir())
    across = {code: mrr(encoder, folder / code, folder / "en") for code in languages}
    within = {code: mrr(encoder, folder / code, folder / code) for code in languages}
    del within["en"]
    return across, within


def show(name: str, scores: dict[str, float]) -> None:
    """Print a mean and what it is the mean of."""
    parts = "  ".join(f"{key} {value:.3f}" for key, value in scores.items())
    print(f"{name}: mean {np.mean(list(scores.values())):.3f} of {len(scores)}\n    {parts}")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("retrieval", type=Path, help="folder that holds xquad, afriqa, …")
    parser.add_argument("--checkpoint", help="the shipped one by default")
    arguments = parser.parse_args()
    encoder = load(LamirOptions(checkpoint=arguments.checkpoint, device="cpu"))
    print(f"{encoder.info.model} {encoder.info.fingerprint[:16]}")
    root: Path = arguments.retrieval
    across, within = xquad(encoder, root / "xquad")
    show("XQuAD, questions on English paragraphs", across)
    show("XQuAD, within a language", within)
    folders = sorted((root / "afriqa").iterdir())
    show("AfriQA, questions on English or French", {f.name: mrr(encoder, f, f) for f in folders})
    for name in ("arcd/ar", "iapp-wiki-qa/th", "jaquad/ja"):
        print(f"{name}: {mrr(encoder, root / name, root / name):.3f}")
    fresh = load(LamirOptions(checkpoint=arguments.checkpoint, device="cpu"))
    questions = list(read(root / "xquad" / "en" / "queries.jsonl.gz").values())
    for label in ("first time", "words known"):
        start = time.perf_counter()
        fresh.encode(questions, role="query")
        rate = len(questions) / (time.perf_counter() - start)
        print(f"English questions a second, {label}: {rate:,.0f}")


if __name__ == "__main__":
    main()

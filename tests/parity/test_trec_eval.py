"""`harness score` against oracles that are not ours, on every official judgement file and on adversarial runs.

pytrec_eval is used here without harness.metrics; since it is the harness's engine as well, two more implementations
judge: the formulas written out in double precision, and ranx where it has the same rules.
"""

from __future__ import annotations

import json
import math
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.rescore import Rescored, rescore
from harness.results.trec import read_run

Qrels = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]
Scores = dict[str, dict[str, float]]

#: Official file below `official/` → the task, subset and split that it judges.
OFFICIAL: dict[str, tuple[str, str]] = {}
for language in ("ar", "bn", "en", "fi", "id", "ja", "ko", "ru", "sw", "te", "th"):
    for split in ("dev", "test"):
        OFFICIAL[f"mrtydi-v1.1/qrels.mrtydi-v1.1-{language}.{split}.txt"] = (f"mr-tydi/{language}", split)
for language in ("ar bn de en es fa fi fr hi id ja ko ru sw te th yo zh").split():
    OFFICIAL[f"miracl-v1.0/qrels.miracl-v1.0-{language}-dev.tsv"] = (f"miracl/{language}", "dev")
for language in ("ha", "so", "sw", "yo"):
    for split in ("dev", "test-a", "test-b"):
        OFFICIAL[f"ciral-v1.0/qrels.ciral-v1.0-{language}-{split}.tsv"] = (f"ciral/en-{language}", split)

#: One file of each family, and both kinds of judgements.
SOME = (
    "mrtydi-v1.1/qrels.mrtydi-v1.1-bn.test.txt",
    "miracl-v1.0/qrels.miracl-v1.0-yo-dev.tsv",
    "ciral-v1.0/qrels.ciral-v1.0-so-test-a.tsv",
)

#: Ids whose order differs by number, by case, by UTF-16 and by UTF-8 bytes.
STRANGE = ("d9", "d10", "D10", "d#9", "d#10", "e", "é", "z", "\uffff", "😀", "0", "-1", "٣")

#: Scores that tie only in single precision, or overflow or vanish in it, beside plain ties.
TIED = (0.5, 0.5 + 1e-12, 0.5 - 1e-12, 0.0, -0.0, 1e-60, 16777217.0, 16777216.0, 1e300, 1e200, -1e300, -1.0)


def _plainly(path: Path) -> Qrels:
    """The judgements of an official file, read without the harness."""
    qrels: Qrels = {}
    for line in path.read_text("utf-8").splitlines():
        query, _, passage, grade = line.split()
        qrels.setdefault(query, {})[passage] = int(grade)
    return qrels


def _adversarial(qrels: Qrels, seed: int, *, distinct: bool = False) -> Run:
    """A run with missing and extra topics, unjudged passages, 1 to 150 hits, and ties unless `distinct`."""
    rng = random.Random(seed)
    pool = sorted({passage for grades in qrels.values() for passage in grades})
    run: Run = {"a-topic-nobody-judged": {pool[0]: 1.0, "d": 0.5}}
    for number, (query, grades) in enumerate(qrels.items()):
        if number % 13 == 7 and len(qrels) > 13:
            continue
        wanted = min(len(pool), rng.choice([1, 3, 9, 10, 11, 19, 20, 21, 60, 99, 100, 101, 150]))
        hits = [passage for passage in grades if rng.random() < 0.8] + rng.sample(pool, wanted) + list(STRANGE)
        hits = list(dict.fromkeys(hits))
        rng.shuffle(hits)
        hits = hits[: max(wanted, 1)]
        if distinct:
            scores: list[float] = [float(score) for score in rng.sample(range(1, 9999), len(hits))]
        elif number % 5 == 0:
            scores = [1.0] * len(hits)
        elif number % 5 == 1:
            scores = [rng.choice(TIED) for _ in hits]
        else:
            scores = [round(rng.random(), rng.choice([1, 2, 17])) for _ in hits]
        run[query] = dict(zip(hits, scores, strict=True))
    return run


def _write(path: Path, run: Run, seed: int = 0) -> Path:
    """`run` as some system may write it: lines in any order, ranks that mean nothing, several kinds of white space."""
    rng = random.Random(seed)
    lines = [
        rng.choice([" ", "\t", "  \t"]).join([query, "Q0", passage, str(rng.randrange(999)), repr(score), "someone"])
        for query, hits in run.items()
        for passage, score in hits.items()
    ]
    rng.shuffle(lines)
    path.write_bytes("\n".join(lines).encode() + rng.choice([b"", b"\n", b"\r\n"]))
    return path


def _by_pytrec_eval(qrels: Qrels, run: Run) -> Scores:
    """trec_eval itself, with -c: judged topics without results score 0, and so do first hits below rank 100."""
    import pytrec_eval

    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10,20", "recall.100", "recip_rank"})
    found = evaluator.evaluate({query: run[query] for query in qrels if query in run})
    names = {"ndcg@10": "ndcg_cut_10", "ndcg@20": "ndcg_cut_20", "recall@100": "recall_100", "mrr@100": "recip_rank"}
    out = {name: {q: found.get(q, {}).get(key, 0.0) for q in qrels} for name, key in names.items()}
    out["mrr@100"] = {q: value if value * 100.5 > 1 else 0.0 for q, value in out["mrr@100"].items()}
    return out


def _by_formula(qrels: Qrels, run: Run) -> Scores:
    """The definitions in double precision, on an order found by sorting twice: by id bytes, then by single score."""
    out: Scores = {"ndcg@10": {}, "ndcg@20": {}, "recall@100": {}, "mrr@100": {}}
    for query, grades in qrels.items():
        order = sorted(run.get(query, {}), key=lambda passage: passage.encode("utf-8"), reverse=True)
        order.sort(key=lambda passage: -_single(run[query][passage]))  # stable: ties keep the order of the ids
        relevant = {passage for passage, grade in grades.items() if grade >= 1}
        for cut in (10, 20):
            best = sorted((grades[passage] for passage in relevant), reverse=True)[:cut]
            ideal = math.fsum(grade / math.log2(i + 2) for i, grade in enumerate(best))
            gained = math.fsum(
                grades[passage] / math.log2(i + 2) for i, passage in enumerate(order[:cut]) if passage in relevant
            )
            out[f"ndcg@{cut}"][query] = gained / ideal if relevant else 0.0
        found = [rank for rank, passage in enumerate(order[:100], start=1) if passage in relevant]
        out["recall@100"][query] = len(found) / len(relevant) if relevant else 0.0
        out["mrr@100"][query] = 1 / found[0] if found else 0.0
    return out


def _single(value: float) -> float:
    """`value` as a C float holds it."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _check(found: Rescored, *oracles: Scores) -> None:
    """Every query and every mean, by every measure that the task has, is what each oracle says."""
    (row,) = found.subsets
    for oracle in oracles:
        for measure, values in row.scores.per_query.items():
            assert values == pytest.approx(oracle[measure], abs=1e-9), measure
            assert row.scores.metrics[measure] == pytest.approx(
                math.fsum(oracle[measure].values()) / len(oracle[measure]), abs=1e-6
            )


def test_every_official_file_is_here(shared_data: Path) -> None:
    """Mr.TyDi in 11 languages, dev and test; MIRACL dev in 18; CIRAL in 4 languages and 3 splits."""
    official = shared_data / "official"
    there = {path.relative_to(official).as_posix() for path in official.glob("*/qrels.*")}
    assert there == set(OFFICIAL)
    assert len(there) == 22 + 18 + 12


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_judgements(name: str, shared_data: Path, tmp_path: Path) -> None:
    """An adversarial run scores as trec_eval and as the formulas say, by the measures of its task."""
    path = shared_data / "official" / name
    task, split = OFFICIAL[name]
    qrels = _plainly(path)
    run = _adversarial(qrels, seed=len(name))
    found = rescore(_write(tmp_path / "run.txt", run), task=task, split=split, qrels=path)
    (row,) = found.subsets
    assert {"ndcg@10", "mrr@100", "recall@100"} <= set(row.scores.per_query)
    assert 0.01 < row.scores.metrics["ndcg@10"] < 0.99
    assert row.extra == ("a-topic-nobody-judged",)
    assert set(row.missing) == qrels.keys() - run.keys()
    assert (row.judged, row.scored, row.retrieved) == (len(qrels), len(qrels), len(run))
    _check(found, _by_pytrec_eval(qrels, run), _by_formula(qrels, run))


@pytest.mark.parametrize("name", SOME)
def test_grades_of_all_kinds(name: str, shared_data: Path, tmp_path: Path) -> None:
    """Grades 2 and 3, explicit zeros and negative ones count as trec_eval counts them."""
    task, split = OFFICIAL[name]
    rng = random.Random(5)
    qrels = _plainly(shared_data / "official" / name)
    for grades in qrels.values():
        grades.update({passage: rng.choice([-127, -2, -1, 0, 1, 2, 3, 127]) for passage in rng.sample(STRANGE, 6)})
    run = _adversarial(qrels, seed=6)
    lines = [f"{q}\t0 {p}  {grade} " for q, grades in qrels.items() for p, grade in grades.items()]
    (tmp_path / "qrels.txt").write_text("\n".join(lines), "utf-8")
    found = rescore(_write(tmp_path / "run.txt", run), task=task, split=split, qrels=tmp_path / "qrels.txt")
    _check(found, _by_pytrec_eval(qrels, run), _by_formula(qrels, run))


#: ranx runs in a process of its own without numba's compiler, which takes minutes where the data takes seconds.
_RANX = """
import json, sys
import ranx
qrels, run, measures = json.load(sys.stdin)
retrieved = ranx.Run(run)
ranx.evaluate(ranx.Qrels(qrels), retrieved, measures)
json.dump({m: {q: float(v) for q, v in retrieved.scores[m].items()} for m in measures}, sys.stdout)
"""


def test_ranx_agrees_where_it_has_the_same_rules(shared_data: Path, tmp_path: Path) -> None:
    """On scores without ties, of topics with results and something relevant, of all 52 files."""
    pytest.importorskip("ranx")
    asked: list[tuple[Qrels, Run]] = []
    ours: Scores = {}
    for name, (task, split) in OFFICIAL.items():
        path = shared_data / "official" / name
        judged = {q: grades for q, grades in list(_plainly(path).items())[:26] if any(grades.values())}
        run = _adversarial(judged, seed=7, distinct=True)
        run = {q: hits for q, hits in run.items() if q in judged}
        asked.append(({f"{name} {q}": judged[q] for q in run}, {f"{name} {q}": hits for q, hits in run.items()}))
        found = rescore(_write(tmp_path / "run.txt", run), task=task, split=split, qrels=path)
        for measure, values in found.subsets[0].scores.per_query.items():
            ours.setdefault(measure, {}).update({f"{name} {q}": values[q] for q in run})
    qrels = {query: grades for part, _ in asked for query, grades in part.items()}
    hits = {query: row for _, part in asked for query, row in part.items()}
    done = subprocess.run(
        [sys.executable, "-c", _RANX],
        input=json.dumps([qrels, hits, ["ndcg@10", "ndcg@20", "mrr@100", "recall@100"]]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    theirs = json.loads(done.stdout)
    assert len(ours["mrr@100"]) > 1100 and len(ours["ndcg@20"]) > 90
    for measure, values in ours.items():
        assert values == pytest.approx({q: theirs[measure][q] for q in values}, abs=1e-9), measure


@pytest.mark.parametrize("name", SOME)
def test_the_command_line_end_to_end(name: str, shared_data: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """`harness score --json` prints trec_eval's means to within 1e-6, and the table its four decimals."""
    path = shared_data / "official" / name
    task, split = OFFICIAL[name]
    qrels = _plainly(path)
    run = _adversarial(qrels, seed=8)
    arguments = ("score", "--run", _write(tmp_path / "run.txt", run), "--task", task, "--split", split)
    (row,) = cli(*arguments, "--qrels", path, "--json").json()["results"]
    expected = _by_pytrec_eval(qrels, run)
    means = {measure: math.fsum(expected[measure].values()) / len(qrels) for measure in row["metrics"]}
    assert row["metrics"] == pytest.approx(means, abs=1e-6)
    printed = cli(*arguments, "--qrels", path).out.split()
    assert {f"{value:.4f}" for value in row["metrics"].values()} <= set(printed)


@pytest.mark.parametrize(
    ("second", "message"),
    [("q Q0 d 2 0.5 t", "a second time"), ("q Q0 e 2 NaN t", "not a finite number"), ("q Q0 e 2 t", "5 field")],
)
def test_what_trec_eval_misreads_is_refused(tmp_path: Path, second: str, message: str) -> None:
    """A passage twice and a score that is no number end with file and line, not with a score."""
    (tmp_path / "run.txt").write_text(f"q Q0 d 1 0.9 t\n{second}\n")
    with pytest.raises(DataError, match=rf"run\.txt:2: .*{message}"):
        read_run(tmp_path / "run.txt")


def test_a_topic_of_negative_grades_alone_scores_0(tmp_path: Path) -> None:
    """trec_eval writes outside its memory where every grade of a topic is below -1; here the topic scores 0."""
    (tmp_path / "qrels.txt").write_text("q1 0 a -2\nq1 0 b -5\nq2 0 a 1\n")
    (tmp_path / "run.txt").write_text("q1 Q0 a 1 0.9 t\nq2 Q0 a 1 0.9 t\n")
    found = rescore(tmp_path / "run.txt", task="mr-tydi/sw", qrels=tmp_path / "qrels.txt")
    assert found.subsets[0].scores.per_query["mrr@100"] == {"q1": 0.0, "q2": 1.0}

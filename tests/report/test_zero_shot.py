"""Names of training data, and the benchmarks they are data of."""

from __future__ import annotations

import gzip
from pathlib import Path

import mteb
import pytest

from harness.report.zero_shot import has_seen
from harness.tasks import all_tasks


@pytest.mark.parametrize(
    ("task", "data"),
    [
        ("miracl", "miracl"),
        ("miracl", "MIRACL"),
        ("miracl", "miracl/miracl"),
        ("miracl", "miracl-train"),
        ("miracl", "MIRACLRetrievalHardNegatives"),
        ("miracl", "MIRACLJaRetrievalLite"),
        ("miracl-hard-negatives", "MIRACLRetrieval"),
        ("mr-tydi", "castorini/mr-tydi"),
        ("mr-tydi", "MrTidyRetrieval"),
        ("mr-tydi", "mr-tydi-v1.1"),
        ("mr-tydi", "TyDiQA-GoldP"),
        ("xor-tydi", "Tevatron/xor-tydi"),
        ("xor-tydi", "XOR-Retrieve"),
        ("xor-tydi", "MIRACLRetrieval"),
        ("afriqa", "afriqa-train"),
        ("afriqa-w100", "AfriQA"),
        ("belebele", "BelebeleRetrieval"),
        ("mkqa", "MKQA"),
        ("neuclir-2022-monolingual", "NeuCLIR2022RetrievalHardNegatives"),
        ("neuclir-2022", "neuclir"),
        ("xtreme-up", "XTREME-UP"),
        ("xquad", "XQuADRetrieval"),
        ("xquad", "xquad-train-de"),
        ("вопросы", "Вопросы-train"),
    ],
)
def test_other_names_of_the_same_data(task: str, data: str) -> None:
    """Whoever named it, with owner, version, split or language: data of the benchmark has been seen."""
    assert has_seen(task, "official", ["nq", data]) is True


@pytest.mark.parametrize(
    ("task", "data"),
    [
        ("miracl", "nq"),
        ("miracl", "miracl2"),
        ("miracl", "miracle-stories"),
        ("miracl", "not-miracl"),
        ("miracl", "afriqa-train"),
        ("afriqa", "miracl"),
        ("xquad", "SQuAD"),
        ("ciral", "MIRACLRetrieval"),
        ("arcd", "arcade"),
        ("miracl", ""),
        ("вопросы", "train"),
        ("--", "train"),
    ],
)
def test_other_data(task: str, data: str) -> None:
    """Other data sets, however their names begin, are none of its."""
    assert has_seen(task, "official", [data]) is False


def test_nothing_and_not_stated_are_two_things() -> None:
    """An encoder that was trained on nothing is zero-shot; one whose training nobody stated may not be."""
    assert has_seen("miracl", "official", []) is False
    assert has_seen("miracl", "official", None) is None


def test_nobody_was_trained_on_the_pocket_collection() -> None:
    """Its tasks have the names of benchmarks and texts of their own, so that only its own name counts."""
    assert has_seen("miracl", "pocket", ["MIRACLRetrieval"]) is False
    assert has_seen("miracl", "pocket", None) is False
    assert has_seen("miracl", "pocket", ["pocket-collection"]) is True


def test_names_of_mteb_are_known() -> None:
    """What mteb's registry says of a model trained on MIRACL and Mr. TyDi counts for both and for XOR-TyDi."""
    trained = mteb.get_model_meta("intfloat/multilingual-e5-small").training_datasets
    assert trained is not None
    seen = {task.name for task in all_tasks() if has_seen(task.name, "official", trained)}
    assert seen == {"miracl", "miracl-hard-negatives", "mr-tydi", "xor-tydi"}
    assert has_seen("xquad", "folder", trained)


def test_miracl_asks_the_questions_of_mr_tydi(shared_data: Path) -> None:
    """The ground for counting the two as one: each dev question of MIRACL in these languages is in Mr. TyDi's dev."""
    official = shared_data / "official"
    for language in ("ar", "bn", "en", "fi", "id", "ja", "ko", "ru", "sw", "te", "th"):
        miracl = (official / f"miracl-v1.0/topics.miracl-v1.0-{language}-dev.tsv").read_text("utf-8")
        with gzip.open(official / f"mrtydi-v1.1/topics.mrtydi-v1.1-{language}.dev.txt.gz", "rt", encoding="utf-8") as f:
            older = {line.rstrip("\n").partition("\t")[2] for line in f}
        asked = {line.partition("\t")[2] for line in miracl.splitlines()}
        assert len(asked) > 200 and asked <= older

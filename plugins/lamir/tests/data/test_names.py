"""What the name of a file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_lamir.data.names import coded_language_of, language_of, pair_of, suffix_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("sw.tsv.gz", "sw"),
        ("tatoeba/swh.tsv", "swh"),
        ("sw.train.tsv", "sw"),
        ("ti_ER.tsv.gz", "ti_ER"),
        ("zho_Hans.txt", "zho_Hans"),
        ("corpus.sw", "sw"),
        ("corpus.sw.gz", "sw"),
        ("corpus.en-sw.sw", "sw"),
        ("corpus.en-xa.xa", "xa"),
        ("corpus.sw.txt", "sw"),
        ("WikiMatrix.en-sw.tsv.gz", "sw"),
        ("WikiMatrix.en-sw", "sw"),
        ("WikiMatrix.ar-en.tsv", "ar"),
        ("en-pt_BR.tmx", "pt_BR"),
        ("eng-swh.tsv", "swh"),
        ("xa.tsv", "xa"),
        ("klingon.tsv", "klingon"),
    ],
)
def test_language_of(name: str, language: str) -> None:
    """A file is of the language that its name says; other names are labels."""
    assert language_of(Path(name)) == language


@pytest.mark.parametrize("name", ["nq-train.json", "nq.jsonl", "english.tsv", "afriqa-train.jsonl.gz", "train.tsv"])
def test_names_without_a_language(name: str) -> None:
    """The names of collections are no language codes."""
    assert coded_language_of(Path(name)) is None


def test_pairs_and_suffixes() -> None:
    """A pair of languages stands at the end of a name, the kind of file behind it, `.gz` aside."""
    assert pair_of(Path("WikiMatrix.de-sw.tsv.gz")) == ("de", "sw")
    assert pair_of(Path("sw.tsv")) is None
    assert suffix_of(Path("a.TSV.gz")) == ".tsv"
    assert suffix_of(Path("corpus")) == ""

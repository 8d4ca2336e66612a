"""xQG against the formula written out, and what its query files may and may not hold."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_xqg.encoder import XqgEncoder
from harness_xqg.generated import GeneratedQueries
from harness_xqg.plugin import XqgOptions
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.encoders.hashing import HashingEncoder
from harness.errors import DataError, UsageError
from harness.testing import options_table, parametrize_with_checks

PASSAGES = {
    "The Nile flows north.": ["Mto Nile unatiririka wapi?", "Where does the Nile flow?"],
    "Tea is a drink.": ["Chai ni nini?"],
    "Mars": [],
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes rows as a JSONL file."""

    def to_file(rows: list[dict[str, Any]], name: str = "queries.jsonl") -> Path:
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return to_file


@pytest.fixture
def queries(write: Write) -> Path:
    """A file with queries for three passages."""
    return write([{"passage": passage, "queries": some} for passage, some in PASSAGES.items()])


def load(queries: Path, **options: Any) -> XqgEncoder:
    """The encoder around `hashing`."""
    return XqgEncoder(XqgOptions(**{"queries": queries, "encoder": "hashing", **options}))


def hashing() -> HashingEncoder:
    """The encoder inside."""
    return harness.load_encoder("hashing").model  # type: ignore[return-value]


_EMPTY = Path(__file__).with_name("empty-queries.jsonl")


@parametrize_with_checks("xqg", queries=str(_EMPTY), encoder="hashing", missing="keep")
def test_contract(check: Any) -> None:
    """The conformance kit passes around an encoder of the core."""
    check()


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.5, 1.0])
def test_passages_are_what_the_formula_gives(queries: Path, alpha: float) -> None:
    """(1 − α) e_d + α Σ e_q, in double precision, for passages with two, one and no queries."""
    inner = hashing()
    expected = []
    for passage, some in PASSAGES.items():
        vector = (1 - alpha) * inner.encode([passage], role="passage")[0].astype(np.float64)
        for query in some:
            vector = vector + alpha * inner.encode([query], role="query")[0]
        expected.append(vector)
    vectors = load(queries, alpha=alpha).encode(list(PASSAGES), role="passage")
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert vectors.dtype == np.float32


def test_queries_are_left_alone(queries: Path) -> None:
    """A query of the evaluation has the inner encoder's vector, even where it reads like a passage."""
    texts = [*PASSAGES, "Chai ni nini?"]
    np.testing.assert_allclose(
        load(queries, alpha=0.5).encode(texts, role="query"), hashing().encode(texts, role="query"), atol=1e-6
    )


def test_a_query_that_is_there_twice_counts_twice(write: Write) -> None:
    """The sum is over the list, as the generator wrote it."""
    once = load(write([{"passage": "a b", "queries": ["c d"]}], "once.jsonl"), alpha=0.2)
    twice = load(write([{"passage": "a b", "queries": ["c d", "c d"]}], "twice.jsonl"), alpha=0.2)
    kept = 0.8 * hashing().encode(["a b"], role="passage")
    np.testing.assert_allclose(
        twice.encode(["a b"], role="passage") - kept, 2 * (once.encode(["a b"], role="passage") - kept), atol=1e-6
    )


def test_docids_are_joined_with_the_corpus(write: Write) -> None:
    """A file by docid gives the vectors of the same file by passage, titles rendered as the task renders them."""
    corpus = write(
        [{"_id": "7", "title": "Nile", "text": "It flows north."}, {"_id": "9", "title": "", "text": "Tea"}], "c.jsonl"
    )
    by_id = write([{"docid": 9, "queries": ["chai"]}, {"docid": "7", "queries": ["mto"]}], "by-id.jsonl.gz")
    texts = ["Nile\n\nIt flows north.", "Tea"]
    by_text = write(
        [{"passage": texts[0], "queries": ["mto"]}, {"passage": "Tea", "queries": ["chai"]}], "by-text.jsonl"
    )
    joined = load(by_id, corpus=corpus, passage_template="{title}\n\n{text}", alpha=0.3)
    np.testing.assert_array_equal(
        joined.encode(texts, role="passage"), load(by_text, alpha=0.3).encode(texts, role="passage")
    )


def test_files_below_the_home_folder(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves the ~ of `-o queries=~/x` as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write([{"_id": "1", "text": "tea"}], "c.jsonl")
    write([{"docid": "1", "queries": ["chai"]}])
    assert load(Path("~/queries.jsonl"), corpus=Path("~/c.jsonl")).encode(["tea"], role="passage").shape[0] == 1


def test_of_passages_that_read_the_same_the_first_counts(write: Write) -> None:
    """One text has one vector, whichever docid it is found under."""
    corpus = write([{"_id": "1", "text": "same"}, {"_id": "2", "text": "same"}], "c.jsonl")
    file = write([{"docid": "2", "queries": ["second"]}, {"docid": "1", "queries": ["first"]}])
    assert GeneratedQueries(file, corpus).of(["same"]) == [(("first", None),)]


@given(st.dictionaries(st.text(min_size=1).filter(str.strip), st.lists(st.text(), max_size=4), min_size=1, max_size=20))
def test_every_passage_finds_its_own_queries(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, list[str]]
) -> None:
    """Whatever the texts, of() gives back what the file says, and None for anything else."""
    path = tmp_path_factory.mktemp("generated") / "q.jsonl"
    path.write_text("".join(json.dumps({"passage": p, "queries": q}) + "\n" for p, q in table.items()), "utf-8")
    generated = GeneratedQueries(path)
    assert len(generated) == len(table)
    assert generated.of(list(table)) == [tuple((query, None) for query in some) for some in table.values()]
    assert generated.of(["\ud800 not there"]) == [None]


def test_languages_reach_an_encoder_that_uses_them(
    write: Write, queries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A language-aware encoder is told each query's language; any other is asked once, without."""
    asked: list[tuple[str, str | None]] = []
    inner = hashing()

    class Spy:
        def __init__(self, aware: bool) -> None:
            from dataclasses import replace

            self.info = replace(inner.info, language_aware=aware)

        def encode(self, texts: Any, *, role: Any, language: str | None = None) -> Any:
            asked.append((role, language))
            return inner.encode(texts, role=role)

    file = write([{"passage": "x", "queries": [{"text": "q", "language": "fi"}, {"text": "p", "language": "sw"}, "r"]}])
    for aware, expected in ((True, ["fi", "sw", None]), (False, [None])):
        loaded = harness.load_encoder("hashing")
        monkeypatch.setattr(
            "harness_xqg.encoder.load_encoder",
            lambda *a, loaded=loaded, aware=aware: type(loaded)(Spy(aware), loaded.card),
        )
        asked.clear()
        load(file).encode(["x"], role="passage", language="en")
        assert asked == [("passage", "en"), *(("query", language) for language in expected)]


def test_a_passage_without_queries_is_an_error_unless_kept(queries: Path) -> None:
    """A file for another corpus must not pass unseen; asked to, the encoder keeps such a passage as it is."""
    with pytest.raises(DataError, match="no queries for the passage 'unheard of'"):
        load(queries).encode(["Mars", "unheard of"], role="passage")
    kept = load(queries, missing="keep", alpha=0.5).encode(["unheard of"], role="passage")
    np.testing.assert_allclose(kept, hashing().encode(["unheard of"], role="passage"), atol=1e-7)


def test_what_moves_vectors_moves_the_fingerprint(write: Write, queries: Path) -> None:
    """α, the queries and the inner encoder do; the name of the file does not."""
    base = load(queries).info.fingerprint
    rows = [{"passage": passage, "queries": some} for passage, some in PASSAGES.items()]
    assert load(write(rows, "again.jsonl.gz")).info.fingerprint == base
    rows[0]["queries"] = ["something else"]
    changed = [load(queries, alpha=0.02), load(queries, encoder_options={"dim": 8}), load(write(rows, "other.jsonl"))]
    assert base not in {encoder.info.fingerprint for encoder in changed}


def test_training_data_is_known_only_where_both_parts_are(queries: Path) -> None:
    """An unknown generator makes the row's training data unknown."""
    assert load(queries).info.training_datasets is None
    assert load(queries, generator_training=["xor-tydi"]).info.training_datasets == ("xor-tydi",)
    assert load(queries, generator_training=[]).info.training_datasets == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no queries in it"),
        ([{"passage": "a", "queries": []}, {"passage": "a", "queries": []}], ":2: the same passage as in line 1"),
        ([{"passage": "a", "docid": "b", "queries": []}], ":1: exactly one of 'passage' and 'docid'"),
        ([{"text": "a", "queries": []}], ":1: exactly one of 'passage' and 'docid'"),
        ([{"passage": "a", "queries": []}, {"docid": "b", "queries": []}], ":2: names a docid where the lines before"),
        ([{"passage": "a", "queries": "b"}], ":1: 'queries' must be a list, not str"),
        ([{"passage": "a"}], ":1: 'queries' must be a list, not NoneType"),
        ([{"passage": "a", "queries": [3]}], ":1: a query is a string or has 'text' and 'language', not 3"),
        ([{"passage": "a", "queries": [{"text": "b", "lang": "c"}]}], ":1: a query is a string or has 'text'"),
        ([{"passage": " ", "queries": []}], ":1: empty passage"),
    ],
)
def test_malformed_files_are_refused_with_the_line(write: Write, rows: list[dict[str, Any]], message: str) -> None:
    """What is wrong, and where, before anything is encoded."""
    with pytest.raises(DataError) as caught:
        load(write(rows))
    assert message in str(caught.value)


def test_what_cannot_work_is_refused(write: Write, queries: Path) -> None:
    """Docids without a corpus, a corpus without docids, docids of another corpus, a bad template, a searcher inside."""
    by_id = write([{"docid": "1", "queries": ["q"]}], "by-id.jsonl")
    corpus = write([{"_id": "2", "text": "x"}], "c.jsonl")
    with pytest.raises(UsageError, match="names passages by docid"):
        load(by_id)
    with pytest.raises(UsageError, match="corpus= has no use"):
        load(queries, corpus=corpus)
    with pytest.raises(DataError, match="none of its docids is in"):
        load(by_id, corpus=corpus)
    with pytest.raises(UsageError, match=r"only \{title\} and \{text\}"):
        load(by_id, corpus=corpus, passage_template="{body}")
    with pytest.raises(UsageError, match="no encoder 'hashin'"):
        load(queries, encoder="hashin")


def test_a_run_finds_through_generated_queries(write: Write, tmp_path: Path) -> None:
    """On a folder where queries and passages share no letters, the generated queries are what finds the passage."""
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": "p1", "text": "The Nile flows north."}, {"_id": "p2", "text": "Tea is a drink."}]
    asked = [{"_id": "q1", "text": "النيل"}, {"_id": "q2", "text": "الشاي"}]
    for name, rows in (("corpus", corpus), ("queries", asked)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tp1\t1\nq2\tp2\t1\n", "utf-8")
    file = write([{"docid": "p1", "queries": ["ما هو النيل؟"]}, {"docid": "p2", "queries": ["ما هو الشاي؟"]}])
    options = {"encoder": "hashing", "queries": str(file), "corpus": str(folder / "corpus.jsonl")}
    settings = harness.Settings(output=tmp_path / "results")
    plain = harness.evaluate("hashing", source=str(folder), settings=settings)
    augmented = harness.evaluate("xqg", options={**options, "alpha": 0.3}, source=str(folder), settings=settings)
    assert augmented.outcomes[0].result.metrics["mrr@100"] == 1.0 > plain.outcomes[0].result.metrics["mrr@100"]
    assert augmented.encoder.name == "hashing-xqg"


def test_readme_has_every_option() -> None:
    """The table of options in the README is the schema's: names, defaults and descriptions."""
    assert options_table(XqgOptions) in (Path(__file__).parent.parent / "README.md").read_text("utf-8")

"""From a recipe to streams: what is read, kept, dropped, refused and recorded."""

from __future__ import annotations

import hashlib
import json
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from harness_lamir.data.loading import Streams, load_streams, used_streams
from harness_lamir.data.rows import Multiway, Pair, Row, Text, Translation
from harness_lamir.recipe import Recipe, parse_recipe

from harness.errors import UsageError

Load = Callable[..., Streams]


def write(path: Path, *lines: str) -> None:
    """Write lines to a file below folders that may not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def source(*files: str, **settings: Any) -> dict[str, Any]:
    """A source of these files."""
    return {"name": "s", "licence": "CC0", "files": list(files)} | settings


def stream(*sources: dict[str, Any], kind: str = "parallel", **settings: Any) -> dict[str, Any]:
    """A stream of these sources."""
    return {"kind": kind, "batch_size": 4, "sources": list(sources)} | settings


def recipe_of(streams: dict[str, Any], **settings: Any) -> Recipe:
    """A recipe whose objectives draw from all of the streams."""
    content = {
        "name": "tiny",
        "licence": "CC0",
        "steps": 1,
        "objectives": [{"use": "any", "streams": {name: name for name in streams}}],
        "streams": streams,
    }
    return parse_recipe(content | settings, "test")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two languages of translations and a folder of evaluation data."""
    folder = tmp_path / "data"
    write(folder / "pairs" / "sw.tsv", *(f"english {n}\tkiswahili {n}" for n in range(60)))
    write(folder / "pairs" / "yo.tsv", *(f"english {n}\tyoruba {n}" for n in range(20)))
    write(
        folder / "eval" / "queries.jsonl", '{"_id": "1", "text": "One question of the evaluation that is long enough?"}'
    )
    return folder


@pytest.fixture
def load(data: Path) -> Load:
    """Return a function that loads one stream, `s`, of these sources."""

    def load_one(
        *sources: dict[str, Any], kind: str = "parallel", settings: dict[str, Any] | None = None, **top: Any
    ) -> Streams:
        """Load it."""
        return load_streams(recipe_of({"s": stream(*sources, kind=kind, **(settings or {}))}, **top), data)

    return load_one


def rows_of(streams: Streams, name: str = "s") -> list[Row]:
    """All rows of a stream, by drawing until every one has come up."""
    found = streams.by_name[name]
    drawn = dict.fromkeys(found.sample(Random(0), 60 * found.rows + 200))
    assert len(drawn) == found.rows
    return list(drawn)


def test_everything_is_read_and_recorded(data: Path, load: Load) -> None:
    """A stream has the rows of its files, and each file is recorded with its counts and its digest."""
    streams = load(source("pairs/*.tsv"))
    assert set(rows_of(streams)) == {Translation(f"english {n}", f"kiswahili {n}", "sw") for n in range(60)} | {
        Translation(f"english {n}", f"yoruba {n}", "yo") for n in range(20)
    }
    found = streams.by_name["s"]
    assert (found.kind, found.batch_size, found.rows) == ("parallel", 4, 80)
    assert found.languages == {"sw": 60, "yo": 20}
    assert [(f.path, f.rows, f.dropped, f.duplicates) for f in streams.files] == [
        ("pairs/sw.tsv", 60, 0, 0),
        ("pairs/yo.tsv", 20, 0, 0),
    ]
    digest = hashlib.sha256((data / "pairs" / "sw.tsv").read_bytes()).hexdigest()
    assert (streams.files[0].sha256, streams.files[0].licence, streams.files[0].source) == (digest, "CC0", "s")


def test_only_streams_of_active_objectives_are_read(data: Path) -> None:
    """A stream of an objective that is switched off may have files that are not there."""
    streams = {"here": stream(source("pairs/sw.tsv")), "gone": stream(source("nowhere/*.tsv"))}
    objectives = [
        {"use": "a", "stream": "here"},
        {"use": "b", "weight": 0, "stream": "gone"},
    ]
    recipe = recipe_of(streams, objectives=objectives)
    assert used_streams(recipe) == ["here"]
    assert list(load_streams(recipe, data).by_name) == ["here"]
    with pytest.raises(UsageError, match=r"draws from the stream 'her'.*\n.*'here'"):
        load_streams(recipe_of(streams, objectives=[{"use": "a", "streams": {"x": "her"}}]), data)
    with pytest.raises(UsageError, match="no objective draws"):
        load_streams(recipe_of(streams, objectives=[{"use": "a"}]), data)


def test_shares_and_alpha_weigh_the_draws(load: Load) -> None:
    """Two sources of shares 1 and 3; the first has two languages at alpha 0, so that its smaller one gets an eighth."""
    sources = [source("pairs/*.tsv", name="one"), source("pairs/sw.tsv", name="two", share=3.0)]
    streams = load(*sources, settings={"alpha": 0}, deduplicate=False)
    drawn = Counter(
        row.language for row in streams.by_name["s"].draw(Random(1), 20_000) if isinstance(row, Translation)
    )
    assert drawn["yo"] / 20_000 == pytest.approx(1 / 8, abs=0.012)
    assert streams.by_name["s"].rows == 140


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing/*.tsv", r"source 's' of stream 's': no file matches 'nothing/\*\.tsv'"),
        ("/tmp/x.tsv", "/tmp/x.tsv is absolute"),
        ("../x.tsv", "leaves the data folder"),
        ("eval/*.jsonl", r"queries\.jsonl is evaluation data"),
        ("link/*.jsonl", r"queries\.jsonl is evaluation data"),
    ],
)
def test_files_that_cannot_be_used_are_refused(data: Path, load: Load, pattern: str, message: str) -> None:
    """Globs that match nothing or lead elsewhere, and files of forbidden folders, through links too."""
    (data / "link").symlink_to(data / "eval")
    with pytest.raises(UsageError, match=message):
        load(source("pairs/*.tsv"), source(pattern), kind="text", forbidden=["eval"], drop_forbidden_texts=True)


def test_folders_that_are_not_there_are_refused(data: Path, load: Load) -> None:
    """The data folder, and one that is forbidden: a misspelt name must not keep nothing apart."""
    with pytest.raises(UsageError, match="forbidden folder evil: there is no such folder"):
        load(source("pairs/*.tsv"), forbidden=["evil"])
    with pytest.raises(UsageError, match="no such folder"):
        load_streams(recipe_of({"s": stream(source("pairs/*.tsv"))}), data / "none")


def test_what_is_misspelt_is_found_before_files_are_read(data: Path, load: Load) -> None:
    """A glob of the last source fails before the first source's files, which are malformed, are opened."""
    write(data / "pairs" / "sw.tsv", "no second column")
    with pytest.raises(UsageError, match="no file matches"):
        load(source("pairs/sw.tsv"), source("pairs/zz.tsv"))


def test_languages_are_chosen(data: Path, load: Load) -> None:
    """`languages` and `without_languages` choose files by their names, which are then not even read."""
    write(data / "pairs" / "zu.tsv", "malformed")
    for settings in ({"languages": ["yo"]}, {"without_languages": ["sw", "zu"]}):
        streams = load(source("pairs/*.tsv"), settings=settings)
        assert streams.by_name["s"].languages == {"yo": 20}
        assert [record.path for record in streams.files] == ["pairs/yo.tsv"]


def test_languages_of_mixed_files_are_chosen_by_row(data: Path, load: Load) -> None:
    """JSON lines say the language of every row."""
    write(
        data / "mixed.jsonl",
        *(json.dumps({"text": f"text {n}", "language": "sw" if n % 3 else "yo"}) for n in range(9)),
    )
    streams = load(source("mixed.jsonl"), kind="text", settings={"languages": ["yo"]})
    assert set(rows_of(streams)) == {Text(f"text {n}", "yo") for n in (0, 3, 6)}
    with pytest.raises(UsageError, match="no text is in 'ha'"):
        load(source("mixed.jsonl"), kind="text", settings={"languages": ["yo", "ha"]})


def test_rows_of_several_languages_lose_those_that_are_not_read(data: Path, load: Load) -> None:
    """What is left of a row must still be two languages."""
    write(data / "many.tsv", "en\tsw\tyo", "a\tb\tc", "d\te\t", "f\t\tg")
    streams = load(source("many.tsv"), kind="multiway", settings={"without_languages": ["yo"]})
    assert set(rows_of(streams)) == {Multiway(("a", "b"), ("en", "sw")), Multiway(("d", "e"), ("en", "sw"))}


@pytest.mark.parametrize("key", ["languages", "without_languages"])
def test_languages_that_nobody_has_are_refused(load: Load, key: str) -> None:
    """Misspelt, with a suggestion; English is in every translation."""
    with pytest.raises(UsageError, match=f"stream 's': no text is in 'swa', which `{key}` names\n.*'sw'"):
        load(source("pairs/*.tsv"), settings={key: ["yo", "swa"]})
    assert load(source("pairs/*.tsv"), settings={"languages": ["sw", "yo", "en"]}).by_name["s"].rows == 80


def test_a_source_without_a_language_of_the_stream_is_refused(load: Load) -> None:
    """Its share would go to the others without a word."""
    sources = [source("pairs/sw.tsv", name="one"), source("pairs/yo.tsv", name="two")]
    with pytest.raises(
        UsageError, match="source 'two' of stream 's': it has no row in a language that the stream reads"
    ):
        load(*sources, settings={"languages": ["sw"]})


def test_equal_rows_are_read_once(data: Path, load: Load) -> None:
    """Within a file, across files and sources; not across streams, and not where the recipe says so."""
    write(data / "again" / "sw.tsv", "english 1\tkiswahili 1", "new\tmpya", "new\tmpya", "New\tmpya")
    sources = [source("pairs/sw.tsv", name="one"), source("again/sw.tsv", name="two")]
    streams = load(*sources)
    assert [(f.rows, f.duplicates) for f in streams.files] == [(60, 0), (2, 2)]
    assert load(*sources, deduplicate=False).by_name["s"].rows == 64
    both = {"a": stream(source("pairs/sw.tsv")), "b": stream(source("pairs/sw.tsv"))}
    assert [s.rows for s in load_streams(recipe_of(both), data).by_name.values()] == [60, 60]


def test_a_source_of_which_nothing_is_left_is_refused(load: Load) -> None:
    """All rows of the second source are those of the first."""
    with pytest.raises(UsageError, match=r"source 'two'.*: nothing is left of it: 0 rows hold .*, 60 are duplicates"):
        load(source("pairs/sw.tsv"), source("pairs/sw.tsv", name="two"))


def test_limit_takes_the_first_rows_of_each_file(load: Load) -> None:
    """And nothing behind them is read."""
    streams = load(source("pairs/*.tsv", limit=7))
    assert streams.by_name["s"].languages == {"sw": 7, "yo": 7}
    assert Translation("english 6", "yoruba 6", "yo") in rows_of(streams)


def test_sample_keeps_so_many_rows_of_the_source(data: Path, load: Load) -> None:
    """All languages together, by the recipe's seed, after duplicates are gone; more than there are keeps all."""
    text = (data / "pairs" / "sw.tsv").read_text()
    (data / "pairs" / "sw.tsv").write_text(text + text)
    streams = load(source("pairs/*.tsv", sample=40), seed=5)
    assert streams.by_name["s"].rows == 40 == sum(streams.by_name["s"].languages.values())
    assert {f.path: f.rows for f in streams.files} == {
        "pairs/sw.tsv": streams.by_name["s"].languages["sw"],
        "pairs/yo.tsv": streams.by_name["s"].languages["yo"],
    }
    kept = set(rows_of(streams))
    assert set(rows_of(load(source("pairs/*.tsv", sample=40), seed=5))) == kept
    assert set(rows_of(load(source("pairs/*.tsv", sample=40), seed=6))) != kept
    assert load(source("pairs/*.tsv", sample=500)).by_name["s"].rows == 80
    counts = Counter(rows for seed in range(60) for rows in rows_of(load(source("pairs/*.tsv", sample=40), seed=seed)))
    assert len(counts) == 80 and min(counts.values()) > 12 and max(counts.values()) < 48  # 30 each, sigma 3.9


def test_rows_that_a_sample_left_out_may_come_from_a_later_source(load: Load) -> None:
    """Of 60 rows the first source keeps 10; the second, the same file, gives the other 50."""
    streams = load(source("pairs/sw.tsv", name="one", sample=10), source("pairs/sw.tsv", name="two"))
    assert [(f.rows, f.duplicates) for f in streams.files] == [(10, 0), (50, 10)]
    assert len(rows_of(streams)) == 60


EQUAL = "ONE question of\u3000the evaluation that is long enough?"
NEAR = "Tell me: one question of the evaluation that is long enough, please."


@pytest.mark.parametrize(("text", "message"), [(EQUAL, "is a text of"), (NEAR, r"is nearly a text of")])
def test_evaluation_texts_are_refused(data: Path, load: Load, text: str, message: str) -> None:
    """With the place of the row and of the evaluation text, on whichever side it stands."""
    write(data / "bad" / "sw.tsv", "fine\tnzuri", f"fine\t{text}")
    with pytest.raises(
        UsageError, match=rf"bad/sw\.tsv:2: .*{message} eval/queries\.jsonl:1.*\n.*drop_forbidden_texts"
    ):
        load(source("bad/sw.tsv"), forbidden=["eval"])


def test_evaluation_texts_are_dropped_and_counted(data: Path, load: Load) -> None:
    """Equal and near ones apart, before duplicates are; near ones only where the recipe looks for them."""
    write(data / "bad" / "sw.tsv", "fine\tnzuri", f"{EQUAL}\tx", f"{EQUAL}\tx", f"{NEAR}\tx", f"{NEAR}\t{EQUAL}")
    streams = load(source("bad/sw.tsv"), forbidden=["eval"], drop_forbidden_texts=True)
    (record,) = streams.files
    assert (record.rows, record.exact, record.near, record.duplicates, record.dropped) == (1, 3, 1, 0, 4)
    assert rows_of(streams) == [Translation("fine", "nzuri", "sw")]
    equal = load(source("bad/sw.tsv"), forbidden=["eval"], drop_forbidden_texts=True, near_duplicates=None)
    assert [(f.rows, f.exact, f.near) for f in equal.files] == [(2, 3, 0)]


def test_hard_negatives_are_checked_and_stored_where_they_are_drawn(data: Path, load: Load) -> None:
    """Too few are refused with the line; evaluation texts among negatives count only where they are drawn."""
    rows = [
        {"query": "q", "positive": "p", "negatives": ["a", EQUAL]},
        {"query": "r", "positive": "p", "negatives": []},
    ]
    write(data / "ir.jsonl", *map(json.dumps, rows))
    with pytest.raises(UsageError, match=r"ir\.jsonl:2: 0 hard negatives; the recipe draws 1\n.*stream 's'"):
        load(source("ir.jsonl"), kind="ir", settings={"hard_negatives": 1})
    with pytest.raises(UsageError, match=r"ir\.jsonl:1: "):
        load(source("ir.jsonl", limit=1), kind="ir", settings={"hard_negatives": 1}, forbidden=["eval"])
    streams = load(source("ir.jsonl"), kind="ir", forbidden=["eval"])
    assert set(rows_of(streams)) == {Pair("q", "p"), Pair("r", "p")}
    drawn = load(source("ir.jsonl", limit=1), kind="ir", settings={"hard_negatives": 2}).by_name["s"].draw(Random(0), 9)
    assert {row.negatives for row in drawn if isinstance(row, Pair)} == {("a", EQUAL), (EQUAL, "a")}


def test_files_that_are_joined_are_one_part(data: Path, load: Load) -> None:
    """Rows of several files are counted for the first; the others are recorded, and unwanted ones not even read."""
    write(data / "pairs" / "zu.tsv", "malformed")
    multiway = source("pairs/*.tsv", format="joined")
    streams = load(multiway, kind="multiway", settings={"languages": ["en", "sw", "yo"]})
    assert [(f.path, f.rows) for f in streams.files] == [("pairs/sw.tsv", 60), ("pairs/yo.tsv", 0)]
    assert streams.by_name["s"].languages == {"en+sw+yo": 20, "en+sw": 40}
    write(data / "pairs" / "yo.tsv", f"english 3\t{EQUAL}")
    with pytest.raises(UsageError, match=r"2 files that are joined, line 4: .* is a text of eval/queries\.jsonl:1"):
        load(multiway, kind="multiway", settings={"languages": ["sw", "yo"]}, forbidden=["eval"])


def test_folders_are_read_where_a_format_is_a_folder(data: Path, load: Load) -> None:
    """A glob may name BEIR folders; all three files are recorded, and none may be evaluation data."""
    write(data / "beir" / "sw" / "corpus.jsonl", '{"_id": "p", "title": "", "text": "passage"}')
    write(data / "beir" / "sw" / "queries.jsonl", '{"_id": "q", "text": "question"}')
    write(data / "beir" / "sw" / "qrels" / "train.tsv", "query-id\tcorpus-id\tscore", "q\tp\t1")
    streams = load(source("beir/*"), kind="ir")
    assert rows_of(streams) == [Pair("question", "passage", (), "sw")]
    assert {f.path: f.rows for f in streams.files} == {
        "beir/sw/qrels/train.tsv": 1,
        "beir/sw/corpus.jsonl": 0,
        "beir/sw/queries.jsonl": 0,
    }
    with pytest.raises(UsageError, match="is evaluation data"):
        load(source("beir/*"), kind="ir", forbidden=["beir"])


def test_errors_of_readers_come_through(data: Path, load: Load) -> None:
    """A malformed line is named, and no temporary file is left."""
    write(data / "pairs" / "yo.tsv", "a\tb", "c")
    with pytest.raises(UsageError, match=r"yo\.tsv:2"):
        load(source("pairs/*.tsv"))


def test_nothing_is_left_on_disk(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for mapped text is empty as soon as loading ends, well or not, and rows are drawn all the same."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    recipe = recipe_of({"s": stream(source("pairs/*.tsv"))})
    streams = load_streams(recipe, data)
    assert list(scratch.iterdir()) == []
    assert len(streams.by_name["s"].draw(Random(0), 10)) == 10
    write(data / "pairs" / "yo.tsv", "malformed")
    with pytest.raises(UsageError):
        load_streams(recipe, data)
    assert list(scratch.iterdir()) == []
    with pytest.raises(UsageError, match=r"cannot be laid out on disk.*\n.*TMPDIR"):
        load_streams(recipe, data, scratch=tmp_path / "none")


def test_progress_is_told_by_file(data: Path) -> None:
    """The rows read of each file so far, in the order of reading."""
    told: list[tuple[str, int]] = []
    load_streams(recipe_of({"s": stream(source("pairs/*.tsv"))}), data, on_progress=lambda *done: told.append(done))
    assert told == [("pairs/sw.tsv", 60), ("pairs/yo.tsv", 20)]


def test_texts_for_vocabularies_come_from_all_streams_alike(data: Path) -> None:
    """As many from each, of all languages even where batches are of one; the generator decides which."""
    streams = load_streams(
        recipe_of(
            {
                "pairs": stream(source("pairs/*.tsv"), same_language=True),
                "texts": stream(source("pairs/sw.tsv", column=2), kind="text"),
            }
        ),
        data,
    )
    texts = streams.sample_texts(501, Random(1))
    assert len(texts) == 501
    assert texts == streams.sample_texts(501, Random(1)) != streams.sample_texts(501, Random(2))
    first, second = texts[:250], texts[250:]
    assert Counter(text.split()[0] for text in first)["english"] == 125
    assert {text.split()[0] for text in first} == {"english", "kiswahili", "yoruba"}
    assert {text.split()[0] for text in second} == {"kiswahili"}


def test_loading_twice_draws_the_same(data: Path) -> None:
    """A run that resumes loads anew: held-out rows and draws are those of the run before."""
    recipe = recipe_of({"s": stream(source("pairs/*.tsv", sample=50))}, seed=7)
    runs = []
    for _ in range(2):
        found = load_streams(recipe, data).by_name["s"]
        runs.append((found.hold_out(Random(1), 10), found.draw(Random(2), 50)))
    assert runs[0] == runs[1]


def test_text_is_not_held_in_memory(data: Path) -> None:
    """A file of 30 MB is read, deduplicated and drawn from in the memory of a few batches."""
    path = data / "long.txt"
    with path.open("w", encoding="utf-8") as out:
        for number in range(7500):
            out.write(f"{number} {'long ' * 800}\n")
    recipe = recipe_of({"s": stream(source("long.txt", language="en"), kind="text")})
    tracemalloc.start()
    try:
        streams = load_streams(recipe, data)
        drawn = streams.by_name["s"].draw(Random(0), 100)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 30_000_000 and streams.by_name["s"].rows == 7500 and len(drawn) == 100
    assert held < 3_000_000
    assert peak < 30_000_000


def test_overlaps_of_afriqa_are_dropped(real_data: Path) -> None:
    """AfriQA's train and dev questions share passages: 141 rows equal one, some 70 more are another edition of one."""
    path = "training/english-ir/afriqa-train.jsonl.gz"
    recipe = recipe_of(
        {"ir": stream(source(path), kind="ir")}, forbidden=["retrieval/afriqa"], drop_forbidden_texts=True
    )
    (record,) = load_streams(recipe, real_data).files
    assert record.exact == 141
    assert 60 <= record.near <= 90
    assert record.rows + record.dropped + record.duplicates == 1804


def test_real_translations_are_read(real_data: Path) -> None:
    """TICO-19 in three languages, against XQuAD: next to nothing is dropped, and every row has its language."""
    languages = ["sw", "ar", "hi"]
    recipe = recipe_of(
        {"s": stream(source("parallel/tico19/*.tsv.gz"), languages=languages, same_language=True)},
        forbidden=["retrieval/xquad"],
        drop_forbidden_texts=True,
    )
    streams = load_streams(recipe, real_data)
    assert set(streams.by_name["s"].languages) == set(languages)
    assert sum(record.dropped for record in streams.files) <= 2
    assert len({row.language for row in streams.by_name["s"].draw(Random(0), 64)}) == 1

"""Folders as a source: one subset, a task, a tree; pairing with another corpus; splits; refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.sources import open_source
from harness.sources.folder import FolderSource
from harness.tasks.model import Subset
from harness.tasks.selection import Selected, Selection, select

Write = Callable[..., Path]

_CORPUS = {"d1": "first", "d2": "second"}
_QRELS = {"q1": {"d1": 1}, "q2": {"d2": 1, "d1": 0}}


def _put(write: Write, folder: Path, prefix: str = "", **more: object) -> Path:
    corpus = {name: f"{prefix}{text}" for name, text in _CORPUS.items()}
    return write(folder, corpus, {"q1": f"{prefix}one?", "q2": f"{prefix}two?"}, _QRELS, **more)


def _selected(source: FolderSource, label: str, split: str | None = None) -> Selected:
    (selected,) = select(source.tasks(), Selection(tasks=(label,), split=split))
    return selected


@pytest.fixture
def tree(tmp_path: Path, write_subset: Write) -> Path:
    """A task `xx` with the subsets ar, en and th, whose ids agree."""
    for language in ("ar", "en", "th"):
        _put(write_subset, tmp_path / "xx" / language, f"{language} ", zipped=language == "th")
    return tmp_path / "xx"


def test_one_subset(tmp_path: Path, write_subset: Write) -> None:
    """A folder that is a subset itself is a task with one subset, both called after the folder, and no average."""
    source = FolderSource(_put(write_subset, tmp_path / "sw"))
    (task,) = source.tasks()
    assert (task.name, task.subsets, task.averages) == ("sw", (Subset("sw", "sw", "sw"),), ())
    assert (source.name, source.variant, source.revision) == ("folder", "", None)
    collection = source.load(_selected(source, "sw"))
    assert collection.queries.texts == ("one?", "two?")
    assert collection.corpus.texts_at(np.array([0, 1])) == ["first", "second"]
    assert collection.qrels == _QRELS
    assert collection.answers is None


def test_a_task_of_subsets(tree: Path) -> None:
    """A folder of subsets is one task, with an average over all of them, plain and gzipped alike."""
    source = FolderSource(tree)
    (task,) = source.tasks()
    assert [s.name for s in task.subsets] == ["ar", "en", "th"]
    assert task.averages[0].subsets == ("ar", "en", "th")
    assert task.passage_template == "{text}"
    assert task.metrics[0] == "ndcg@10"
    for language in ("ar", "en", "th"):
        assert source.load(_selected(source, f"xx/{language}")).queries.texts[0] == f"{language} one?"


def test_a_tree_of_tasks(tmp_path: Path, write_subset: Write) -> None:
    """A folder of tasks gives each of them, equal subset names kept apart; hidden and stray folders are none."""
    for task, subset in (("b", "sw"), ("a", "sw"), ("a", "te")):
        _put(write_subset, tmp_path / task / subset, f"{task} {subset} ")
    _put(write_subset, tmp_path / ".hidden" / "sw")
    (tmp_path / "empty" / "nothing").mkdir(parents=True)
    (tmp_path / "README.md").touch()
    source = FolderSource(tmp_path)
    assert {task.name: [s.name for s in task.subsets] for task in source.tasks()} == {"a": ["sw", "te"], "b": ["sw"]}
    assert source.load(_selected(source, "b/sw")).queries.texts[0] == "b sw one?"
    assert source.load(_selected(source, "a/sw")).queries.texts[0] == "a sw one?"


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("ar", ("ar", "ar")),
        ("bem-en", ("bem", "en")),
        ("eng_Latn", ("eng_Latn", "eng_Latn")),
        ("zh_cn-en", ("zh_cn", "en")),
        ("my data", ("und", "und")),
        ("nq-test-a", ("und", "und")),
        ("Swahili", ("und", "und")),
    ],
)
def test_languages_from_folder_names(
    tmp_path: Path, write_subset: Write, name: str, languages: tuple[str, str]
) -> None:
    """A language, or query-passage languages, is read from the folder's name; any other name has unknown languages."""
    (task,) = FolderSource(_put(write_subset, tmp_path / name)).tasks()
    assert task.subsets == (Subset(name, *languages),)


def test_corpus_from_pairs_with_another_corpus(tree: Path) -> None:
    """Every subset's queries and judgements meet the passages of the one that is named, which is read once."""
    source = FolderSource(tree, corpus_from="en")
    (task,) = source.tasks()
    assert task.subsets == (Subset("ar-en", "ar", "en"), Subset("en-en", "en", "en"), Subset("th-en", "th", "en"))
    assert source.variant == "from-en"
    thai, arabic = (source.load(_selected(source, f"xx/{name}")) for name in ("th-en", "ar-en"))
    assert thai.queries.texts == ("th one?", "th two?")
    assert thai.corpus.texts_at(np.array([0])) == ["en first"]
    assert thai.corpus is arabic.corpus
    assert thai.qrels == _QRELS


def test_corpus_from_a_pair(tmp_path: Path, write_subset: Write) -> None:
    """The corpus of a query-passage subset is in its passage language."""
    for name in ("ha-en", "sw-en"):
        _put(write_subset, tmp_path / "afri" / name)
    (task,) = FolderSource(tmp_path / "afri", corpus_from="sw-en").tasks()
    assert [(s.query_language, s.passage_language) for s in task.subsets] == [("ha", "en"), ("sw", "en")]


def test_corpus_from_must_name_a_subset(tree: Path) -> None:
    """A misspelt subset is refused with a suggestion."""
    with pytest.raises(UsageError, match="xx has no such subset") as caught:
        FolderSource(tree, corpus_from="enn")
    assert caught.value.hint == "Did you mean 'en'?"


def test_corpus_from_leaves_other_tasks_to_the_selection(tmp_path: Path, write_subset: Write) -> None:
    """In a tree, a task without that subset is listed as it is, and refused when it is to be read."""
    for task, subset in (("xquad", "en"), ("xquad", "sw"), ("afriqa", "sw-fr"), ("afriqa", "sw-de")):
        write_subset(tmp_path / task / subset, {"d": "x"}, {"q": "x"}, {"q": {"d": 1}})
    source = FolderSource(tmp_path, corpus_from="en")
    afriqa, xquad = source.tasks()
    assert [subset.name for subset in xquad.subsets] == ["en-en", "sw-en"]
    assert (afriqa.title, [subset.name for subset in afriqa.subsets]) == ("afriqa", ["sw-de", "sw-fr"])
    (item,) = select(source.tasks(), Selection(tasks=("xquad/sw-en",)))
    assert len(source.load(item).queries) == 1
    (item,) = select(source.tasks(), Selection(tasks=("afriqa/sw-fr",)))
    with pytest.raises(UsageError, match="afriqa has no such subset") as caught:
        source.load(item)
    assert "--tasks" in str(caught.value.hint)


def test_corpus_from_never_gives_two_subsets_one_name(tmp_path: Path, write_subset: Write) -> None:
    """`ar` and `ar-en` would both be `ar-en` on the passages of `en`: refused, because one would hide the other."""
    for name in ("ar", "ar-en", "en"):
        _put(write_subset, tmp_path / "xx" / name, f"{name} ")
    with pytest.raises(UsageError, match="'ar-en'"):
        FolderSource(tmp_path / "xx", corpus_from="en")


def test_corpus_from_checks_the_passage_ids(tree: Path, write_subset: Write) -> None:
    """Judgements that do not fit the other corpus are refused with file and line."""
    write_subset(tree / "fi", {"f1": "eka"}, {"q1": "yksi?"}, {"q1": {"f1": 1}})
    source = FolderSource(tree, corpus_from="en")
    with pytest.raises(DataError) as caught:
        source.load(_selected(source, "xx/fi-en"))
    assert caught.value.message == (
        f"{tree / 'fi' / 'qrels' / 'test.tsv'}:2: query 'q1' is judged on passage 'f1', which is not in the corpus"
    )


def test_splits_are_those_of_each_subset(tmp_path: Path, write_subset: Write) -> None:
    """Each subset is run on test, else on dev, else on what it has; a split that one lacks is refused for that one."""
    for name, splits in {"ar": ("dev", "test"), "fi": ("train", "dev"), "te": ("train",)}.items():
        for split in splits:
            _put(write_subset, tmp_path / "xx" / name, split=split)
    source = FolderSource(tmp_path / "xx")
    (task,) = source.tasks()
    assert task.splits == ("dev", "test", "train")
    assert [s.split for s in select([task], Selection())] == ["test", "dev", "train"]
    assert _selected(source, "xx/ar", "dev").split == "dev"
    with pytest.raises(UsageError, match="xx/te has no split 'dev'"):
        select([task], Selection(split="dev"))


def test_queries_without_judgements_are_left_out(tmp_path: Path, write_subset: Write) -> None:
    """Only queries that the split judges are run, in the order of their file."""
    queries = {"q3": "unjudged", "q2": "two?", "q1": "one?"}
    source = FolderSource(write_subset(tmp_path / "en", _CORPUS, queries, _QRELS))
    assert source.load(_selected(source, "en")).queries.ids == ("q2", "q1")


def test_repeated_queries_count_once(tmp_path: Path, write_subset: Write) -> None:
    """A query that repeats text and judgements of another is run once, and the collection says how many went."""
    queries = {"q1": "one?", "q2": "one?", "q3": "one?"}
    qrels = {"q1": {"d1": 1}, "q2": {"d1": 1}, "q3": {"d2": 1}}
    source = FolderSource(write_subset(tmp_path / "en", _CORPUS, queries, qrels))
    collection = source.load(_selected(source, "en"))
    assert collection.queries.ids == ("q1", "q3")
    assert collection.repeats == 1


def test_passage_template(tmp_path: Path, write_subset: Write) -> None:
    """The template says how titles are joined; results with titles are a variant of their own."""
    folder = _put(write_subset, tmp_path / "en", titles={"d1": "Title"})
    source = FolderSource(folder, passage_template="{title}: {text}")
    selected = _selected(source, "en")
    assert selected.task.passage_template == "{title}: {text}"
    assert source.load(selected).corpus.render(selected.task.passage_template, np.array([0])) == ["Title: first"]
    assert FolderSource(folder, passage_template="{title} {text}", corpus_from="en").variant == "from-en-titled"
    others = ("{title}: {text}", "passage: {text}", "{text}", "{title} {text}")
    assert len({FolderSource(folder, passage_template=template).variant for template in others}) == 4


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{title}", "leaves out the text"),
        ("text", "leaves out the text"),
        ("{{text}}", "leaves out the text"),
        ("{text} {body}", "cannot be filled in"),
        ("{text} {}", "cannot be filled in"),
        ("{text", "cannot be filled in"),
        ("{text} {title.missing}", "cannot be filled in"),
        ("{text} {title[name]}", "cannot be filled in"),
    ],
)
def test_templates_that_are_refused(tmp_path: Path, write_subset: Write, template: str, message: str) -> None:
    """A template that cannot be filled in, or drops the text, is refused by name before anything is read."""
    folder = _put(write_subset, tmp_path / "en")
    with pytest.raises(UsageError) as caught:
        FolderSource(folder, passage_template=template)
    assert caught.value.message.startswith(f"passage template {template!r} {message}")
    assert caught.value.hint == "Use {title} and {text}."


def test_folder_without_data(tmp_path: Path) -> None:
    """A folder with nothing in it is refused, with what is expected of one."""
    with pytest.raises(DataError, match=r"no corpus\.jsonl \(or \.gz\) in it or below it") as caught:
        FolderSource(tmp_path)
    assert "qrels/<split>.tsv" in str(caught.value)


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl"])
def test_subset_with_a_missing_file(tmp_path: Path, write_subset: Write, missing: str) -> None:
    """A subset that lacks one of its files is found, and loading it names the file."""
    folder = _put(write_subset, tmp_path / "en")
    (folder / missing).unlink()
    source = FolderSource(folder)
    with pytest.raises(DataError) as caught:
        source.load(_selected(source, "en"))
    assert caught.value.message == f"{folder / missing}: no such file (nor {missing}.gz)"


def test_subset_without_judgements(tmp_path: Path, write_subset: Write) -> None:
    """A subset without any qrels is refused when the folder is opened."""
    folder = _put(write_subset, tmp_path / "en")
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(DataError, match=r"no judgements") as caught:
        FolderSource(folder)
    assert "qrels/test.tsv" in str(caught.value)


def test_real_trees(shared_data: Path) -> None:
    """The real collections open as one tree, and each subset passes every check of the reader."""
    source = open_source(str(shared_data / "retrieval" / "afriqa"))
    (task,) = source.tasks()
    assert [s.name for s in task.subsets] == "bem-en fon-fr ha-en ig-en rw-en sw-en tw-en yo-en zu-en".split()
    for selected in select([task], Selection()):
        collection = source.load(selected)
        assert set(collection.queries.ids) == set(collection.qrels) and len(collection.queries) > 50
    everything = open_source(str(shared_data / "retrieval"))
    assert [t.name for t in everything.tasks()] == ["afriqa", "arcd", "iapp-wiki-qa", "jaquad", "xquad"]


def test_xquad_queries_fit_the_english_corpus(shared_data: Path) -> None:
    """XQuAD's ids agree across languages: Thai questions are judged on English passages without a complaint."""
    source = open_source(str(shared_data / "retrieval" / "xquad"), corpus_from="en")
    (selected,) = select(source.tasks(), Selection(tasks=("xquad/th-en",)))
    collection = source.load(selected)
    assert len(collection.corpus) == 240
    assert len(collection.queries) + collection.repeats == 1190


def test_corpus_from_in_a_tree_of_tasks(tmp_path: Path, write_subset: Write) -> None:
    """Two tasks may have folders of different names behind subsets of one name."""
    for task, subset in (("a", "de"), ("a", "en"), ("b", "de"), ("b", "en-fr")):
        _put(write_subset, tmp_path / task / subset, f"{task} {subset} ")
    source = FolderSource(tmp_path, corpus_from="de")
    texts = [source.load(_selected(source, f"{task}/en-de")).queries.texts[0] for task in ("a", "b")]
    assert texts == ["a en one?", "b en-fr one?"]

"""Selection: names, families, globs, subsets, languages, splits, and what each mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode, NothingSelectedError, UsageError
from harness.tasks import all_tasks, task
from harness.tasks.model import Average, Subset, Task
from harness.tasks.selection import Selection, select


def _labels(*tasks: str, languages: tuple[str, ...] = ("*",)) -> list[str]:
    return [item.label for item in select(all_tasks(), Selection(tasks or ("*",), languages))]


def _small(name: str, subsets: tuple[Subset, ...], **more: object) -> Task:
    facts = {
        "name": name, "title": name, "family": name, "subsets": subsets, "splits": ("dev", "test"), "split": "test",
        "metrics": ("ndcg@10",), "averages": (Average("Avg", tuple(s.name for s in subsets)),),
        "passage_template": "{text}", "licence": "", "url": "", "citation": "", "summary": "",
    }  # fmt: skip
    return Task(**{**facts, **more})  # type: ignore[arg-type]


def test_everything_is_the_default() -> None:
    """Without patterns every subset of every task is selected, in the order of declaration."""
    expected = [f"{declared.name}/{subset.name}" for declared in all_tasks() for subset in declared.subsets]
    assert _labels() == expected


def test_a_name_is_that_task() -> None:
    """A task's name selects all its subsets and nothing else."""
    assert _labels("xor-tydi") == [f"xor-tydi/{x}" for x in "ar bn fi ja ko ru te".split()]


def test_a_family_is_all_its_tasks() -> None:
    """A family's name selects every task of the family."""
    found = {label.partition("/")[0] for label in _labels("low-resource")}
    assert found == {declared.name for declared in all_tasks() if declared.family == "low-resource"}
    assert len(found) == 10


@pytest.mark.parametrize(
    ("patterns", "labels"),
    [
        (("miracl/sw",), ["miracl/sw"]),
        (("miracl/s?",), ["miracl/sw"]),
        (("xor-tydi/te", "mr-tydi/te"), ["xor-tydi/te", "mr-tydi/te"]),
        (("mr-tydi/te", "xor-tydi/te"), ["xor-tydi/te", "mr-tydi/te"]),
        (("*-tydi/te",), ["xor-tydi/te", "mr-tydi/te"]),
        (("m*/yo",), ["miracl/yo", "miracl-hard-negatives/yo"]),
        (("miracl/[dy]?",), ["miracl/de", "miracl/yo"]),
        (("miracl/sw", "miracl/*w", "miracl/sw"), ["miracl/sw"]),
        (("afriqa/yo-en", "ciral/*-yo"), ["afriqa/yo-en", "ciral/en-yo"]),
    ],
)
def test_patterns(patterns: tuple[str, ...], labels: list[str]) -> None:
    """Globs match task and subset apart; a subset that two patterns name is selected once, in declared order."""
    assert _labels(*patterns) == labels


@pytest.mark.parametrize(
    ("languages", "labels"),
    [
        (("sw",), ["mr-tydi/sw", "miracl/sw"]),
        (("te", "sw"), ["xor-tydi/te", "mr-tydi/sw", "mr-tydi/te", "miracl/sw", "miracl/te"]),
        (("y?",), ["miracl/yo"]),
    ],
)
def test_languages(languages: tuple[str, ...], labels: list[str]) -> None:
    """Languages are those of the queries, as names or globs."""
    assert _labels("xor-tydi", "mr-tydi", "miracl", languages=languages) == labels


def test_language_means_queries_or_the_subset_itself() -> None:
    """`yo` is Yoruba questions in any pair; `yo-en` is that pair; Yoruba passages alone do not count."""
    assert _labels("afriqa", "ciral", languages=("yo",)) == ["afriqa/yo-en"]
    assert _labels("afriqa", languages=("yo-en",)) == ["afriqa/yo-en"]
    assert _labels("low-resource/*", "ciral", languages=("en-yo",)) == ["ciral/en-yo"]


@given(st.lists(st.sampled_from(["miracl", "xor-tydi", "*/te", "low-resource", "m*/s*", "belebele/eng*"]), min_size=1))
def test_selecting_more_never_loses_or_repeats(patterns: list[str]) -> None:
    """A union of patterns is the union of what each selects, without repeats and in one order."""
    together = _labels(*patterns)
    apart = {label for pattern in patterns for label in _labels(pattern)}
    assert set(together) == apart and len(together) == len(apart)
    assert together == [label for label in _labels() if label in apart]


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("mircal", "there is no task 'mircal' in this source", "Did you mean 'miracl'"),
        ("mircal/sw", "there is no task 'mircal' in this source", "Did you mean 'miracl'"),
        ("belebelle", "there is no task 'belebelle' in this source", "Did you mean 'belebele'?"),
        ("Miracl", "there is no task 'Miracl' in this source", "Did you mean 'miracl'"),
        ("afriqa/swa-en", "task 'afriqa' has no subset 'swa-en' here", "Did you mean 'sw-en'"),
        ("miracl/", "task 'miracl' has no subset '' here", "Known: ar, bn"),
        ("", "there is no task '' in this source", "Known: "),
    ],
)
def test_misspelt_task(pattern: str, message: str, hint: str) -> None:
    """A pattern without wildcard that names nothing is a mistake, even beside good ones, with a suggestion."""
    for patterns in ((pattern,), ("miracl", pattern)):
        with pytest.raises(UsageError) as caught:
            select(all_tasks(), Selection(patterns))
        assert caught.value.message == message
        assert (caught.value.hint or "").startswith(hint)
        assert caught.value.exit_code is ExitCode.USAGE


def test_misspelt_language() -> None:
    """A language that no subset has is a mistake, with a suggestion."""
    with pytest.raises(UsageError) as caught:
        select([task("afriqa")], Selection(languages=("bemm",)))
    assert caught.value.message == "no subset of this source is in language 'bemm'"
    assert caught.value.hint == "Did you mean 'bem'?"
    assert not isinstance(caught.value, NothingSelectedError)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(tasks=("zz*",)),
        Selection(tasks=("miracl/zz*",)),
        Selection(tasks=("xor-tydi",), languages=("sw",)),
        Selection(languages=("zz*",)),
    ],
)
def test_nothing_selected(selection: Selection) -> None:
    """Valid patterns that leave nothing are told apart from mistakes, and name what was asked for."""
    with pytest.raises(NothingSelectedError) as caught:
        select(all_tasks(), selection)
    assert caught.value.exit_code is ExitCode.NOTHING_SELECTED
    assert ", ".join(selection.tasks) in caught.value.message
    assert ", ".join(selection.languages) in caught.value.message


def test_default_splits() -> None:
    """Without a split each task is run on its own one."""
    found = {item.task.name: item.split for item in select(all_tasks(), Selection())}
    assert (found["xor-tydi"], found["mr-tydi"], found["miracl"], found["ciral"]) == ("dev", "test", "dev", "test-b")


def test_split_by_name() -> None:
    """A split that is asked for is used for every subset."""
    assert {item.split for item in select([task("mr-tydi")], Selection(split="dev"))} == {"dev"}


def test_split_that_a_task_lacks() -> None:
    """A split that one selected subset lacks is refused, naming the subset and what there is."""
    with pytest.raises(UsageError) as caught:
        select(all_tasks(), Selection(tasks=("miracl",), split="test"))
    assert caught.value.message == "miracl/ar has no split 'test'"
    assert caught.value.hint == "Known: dev."


def test_splits_of_single_subsets() -> None:
    """A subset without the task's split is run on dev, else on its first; one with it on that."""
    subsets = (Subset("a", "a", "a"), Subset("b", "b", "b"), Subset("c", "c", "c"))
    declared = _small("x", subsets, subset_splits={"b": ("train", "dev"), "c": ("train", "extra")})
    assert [item.split for item in select([declared], Selection())] == ["test", "dev", "train"]
    with pytest.raises(UsageError, match="x/c has no split 'dev'"):
        select([declared], Selection(split="dev"))


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_must_be_positive(limit: int) -> None:
    """A limit below one selects no query and is refused."""
    with pytest.raises(UsageError, match=f"limit must be at least 1, not {limit}"):
        Selection(limit=limit)

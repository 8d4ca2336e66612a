"""Folders in BEIR layout as a source: one subset, a task of several, or a tree of tasks.

    xquad/                      the task is called after the folder
      ar/                       each subset: a language, or query-passage languages (`bem-en`)
        corpus.jsonl[.gz]       {"_id", "title"?, "text"}
        queries.jsonl[.gz]      {"_id", "text"}
        qrels/test.tsv[.gz]     query-id <TAB> corpus-id <TAB> score, with or without that header

`corpus_from` pairs the queries and judgements of every subset with the passages of one of them, for collections whose
passage ids agree across languages. A query that repeats another's text and judgements is run and counted once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from harness._util import fingerprint
from harness._util.folders import cache_root
from harness._util.names import did_you_mean
from harness._util.progress import NO_PROGRESS, Progress
from harness.errors import DataError, UsageError
from harness.sources import beir
from harness.sources.beir import BeirFolder
from harness.sources.collection import Asked, Collection
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import CorpusCache
from harness.sources.tree import file_stem, list_tree
from harness.tasks.model import Average, Subset, Task
from harness.tasks.selection import Selected

_LANGUAGE = r"[a-z]{2,3}(?:_[A-Za-z]{2,4})?"
_SINGLE = re.compile(_LANGUAGE)
_PAIR = re.compile(rf"({_LANGUAGE})-({_LANGUAGE})")


class FolderSource:
    """A folder of subsets in BEIR layout."""

    name = "folder"
    revision: str | None = None

    def __init__(
        self,
        folder: Path,
        *,
        corpus_from: str | None = None,
        passage_template: str | None = None,
        cache: Path | None = None,
        progress: Progress = NO_PROGRESS,
    ) -> None:
        self._folder = folder.resolve()
        self._corpus_from = corpus_from
        self._template = passage_template or "{text}"
        _check_template(self._template)
        named = f"from-{corpus_from}" if corpus_from else ""
        self.variant = "-".join(part for part in (named, _template_variant(self._template)) if part)
        root = cache_root(cache)
        self._subsets = _find_subsets(self._folder, root)
        if not self._subsets:
            raise DataError(
                f"{folder}: no corpus.jsonl (or .gz) in it or below it, and no official files of a benchmark",
                "A subset folder holds corpus.jsonl, queries.jsonl and qrels/<split>.tsv, plain or gzipped; "
                "`harness data TASK` lists official files, whose paths must end as it says.",
            )
        names = {task for task, _ in self._subsets}
        if corpus_from is not None and not any(self._crosses(task) for task in names):
            raise UsageError(
                f"--corpus-from {corpus_from}: {', '.join(sorted(names))} has no such subset",
                did_you_mean(corpus_from, [subset for _, subset in self._subsets]),
            )
        self._tasks = tuple(self._task(name) for name in sorted(names))
        self._corpora = CorpusCache(root)
        self._progress = progress
        self._corpus = lru_cache(maxsize=None)(self._read_corpus)

    def tasks(self) -> tuple[Task, ...]:
        """One task for each folder that holds subsets."""
        return self._tasks

    def load(self, selected: Selected) -> Collection:
        """Read one subset and check it. Raises DataError with file and line for anything malformed."""
        task = selected.task.name
        if self._corpus_from is not None and not self._crosses(task):
            raise UsageError(
                f"--corpus-from {self._corpus_from}: {task} has no such subset", "Select others with --tasks."
            )
        subset = self._folder_of(task, selected.subset.name)
        folder = self._subsets[task, subset]
        corpus: Corpus = self._corpus(task, self._corpus_from or subset)
        queries = beir.read_queries(folder)
        qrels = beir.read_qrels(folder, selected.split, set(queries.ids), corpus)
        return Collection(corpus, queries.keep(set(qrels)), qrels).without_repeats()

    def asked(self, selected: Selected) -> Asked:
        """Queries and judgements of one subset."""
        return self.load(selected).asked

    def _read_corpus(self, task: str, subset: str) -> Corpus:
        """The passages of one folder, converted on first use."""
        file = self._subsets[task, subset].find("corpus.jsonl")
        with self._progress.task(f"reading {file}", file.size) as advance:
            return self._corpora.corpus(["beir-1", file.stamp], lambda: beir.read_passages(file, advance))

    def _task(self, name: str) -> Task:
        """The declaration of one folder, from its name and those of the folders below it."""
        folders = {subset: path for (task, subset), path in self._subsets.items() if task == name}
        subsets = tuple(self._subset(name, folder) for folder in sorted(folders))
        names = [subset.name for subset in subsets]
        if repeated := sorted({n for n in names if names.count(n) > 1}):
            raise UsageError(
                f"--corpus-from {self._corpus_from}: two subsets of {name} would be called {repeated[0]!r}"
            )
        splits = {self._subset(name, folder).name: beir.splits(path) for folder, path in folders.items()}
        return Task(
            name=name,
            title=f"{name} → {self._corpus_from}" if self._crosses(name) else name,
            family=name,
            subsets=subsets,
            splits=tuple(sorted({split for found in splits.values() for split in found})),
            split="test",
            metrics=("ndcg@10", "mrr@100", "recall@100"),
            averages=(Average("Avg", tuple(s.name for s in subsets)),) if len(subsets) > 1 else (),
            passage_template=self._template,
            licence="as the folder's owner states",
            url="",
            citation="",
            summary=f"a folder in BEIR layout with {len(subsets)} subset(s)",
            subset_splits=splits,
        )

    def _crosses(self, task: str) -> bool:
        """True where the queries of `task` are asked of the passages of one subset, which it has."""
        return self._corpus_from is not None and (task, self._corpus_from) in self._subsets

    def _subset(self, task: str, folder: str) -> Subset:
        """`ar` is monolingual, `bem-en` is a pair; any other name has unknown languages."""
        pair, single = _PAIR.fullmatch(folder), _SINGLE.fullmatch(folder)
        if pair:
            query, passage = pair.group(1), pair.group(2)
        else:
            query = passage = folder if single else "und"
        if self._corpus_from is None or not self._crosses(task):
            return Subset(folder, query, passage)
        target = _PAIR.fullmatch(self._corpus_from)
        language = target.group(2) if target else self._corpus_from
        return Subset(f"{query if query != 'und' else folder}-{self._corpus_from}", query, language)

    def _folder_of(self, task: str, subset: str) -> str:
        """The folder behind a subset's name, which `--corpus-from` has lengthened."""
        for owner, folder in self._subsets:
            if owner == task and self._subset(owner, folder).name == subset:
                return folder
        raise KeyError(subset)


def _find_subsets(root: Path, cache: Path) -> dict[tuple[str, str], BeirFolder]:
    """(task, subset) → folder. A root that is itself a subset is a task with one subset of the same name."""
    tree = list_tree(root, cache)
    name = file_stem(root.name)
    if root.is_file():  # an archive: what is in it lies below its own name
        tree = {file.removeprefix(f"{root.name}/"): found for file, found in tree.items()}
    found = beir.folders(root, tree)
    for depth in (0, 1, 2):
        here = {key: folder for key, folder in found.items() if len(key) == depth}
        if here:
            return {_named(name, key): folder for key, folder in here.items()}
    return {}


def _named(root: str, key: tuple[str, ...]) -> tuple[str, str]:
    """(task, subset) of a folder by its path below the root."""
    task, subset = (root, root, *key)[-2:]
    return task, subset


def _template_variant(template: str) -> str:
    """What keeps the results of this template apart from those of the plain text."""
    known = {"{text}": "", "{title} {text}": "titled"}
    return known.get(template, f"template-{fingerprint.of_json(template)[:8]}")


def _check_template(template: str) -> None:
    try:
        filled = template.format(title="", text="\0")
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"passage template {template!r} cannot be filled in: {error}", "Use {title} and {text}."
        ) from error
    if "{text}" not in template or "\0" not in filled:
        raise UsageError(f"passage template {template!r} leaves out the text", "Use {title} and {text}.")

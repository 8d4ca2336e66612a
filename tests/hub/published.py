"""One subset of every benchmark that the hub source serves, as it is published, and what it must be read as.

Where a file is published is asked of the layouts, so that a pin may move. Beside the subset lie others, which nobody
is to fetch.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.sources.official.layout import HubFile, Url
from harness.sources.official.source import layout_of
from harness.tasks import task

from . import miniatures
from .emulator import HubEmulator, Repo
from .miniatures import TEXTS
from .web import Web


@dataclass(frozen=True)
class Published:
    """A subset: its name, what it must be read as, what must be fetched for it, and how to put it up.

    `passages` are (id, title, text); `fetched` are paths by repository, `pages` the URLs.
    """

    label: str
    passages: list[tuple[str, str, str]]
    queries: Mapping[str, str]
    put: Callable[[HubEmulator, Web], None]
    qrels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    answers: Mapping[str, list[str]] | None = None
    fetched: Mapping[str, set[str]] = field(default_factory=dict)
    pages: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What a script tells of the subset."""
        return {
            "passages": [list(passage) for passage in self.passages],
            "queries": dict(self.queries),
            "qrels": {query: dict(grades) for query, grades in self.qrels.items()},
            "answers": self.answers,
        }


#: A script that runs one task, then tells what its source holds: the last line of stdout is JSON.
TELL = """
import json, sys
from harness.cli.main import main
from harness.sources import open_source
from harness.tasks.selection import Selection, select

labels = {labels!r}
code = main(["run", "--encoder", "hashing", "--source", "hub", "--json", "--tasks", ",".join(labels)])
if code:
    sys.exit(code)
source = open_source("hub")
told = {{}}
for selected in select(source.tasks(), Selection(labels)):
    held = source.load(selected)
    told[selected.label] = dict(
        passages=list(zip(*(held.corpus.column(name) for name in ("id", "title", "text")))),
        queries=dict(zip(held.queries.ids, held.queries.texts)),
        qrels=held.qrels, answers=held.answers, variant=held.variant, origin=held.origin, split=selected.split,
    )
print()
print(json.dumps(told))
"""


def origins(label: str, kind: str) -> tuple[HubFile | Url, ...]:
    """Where a part of `task/subset` is published."""
    name, _, subset = label.partition("/")
    declared = task(name)
    parts = layout_of(declared).parts(declared.subset(subset), declared.default_split(subset))
    return next(part.origins for part in parts if part.kind == kind)


def hub_origin(label: str, kind: str) -> HubFile:
    """The first place on the hub."""
    return next(origin for origin in origins(label, kind) if isinstance(origin, HubFile))


def url(label: str, kind: str) -> str:
    """The first place on the web."""
    return next(origin.url for origin in origins(label, kind) if isinstance(origin, Url))


def commit(label: str, kind: str) -> str:
    """The commit of the first place on the hub, one of our own where a branch is pinned."""
    revision = hub_origin(label, kind).revision
    return revision if len(revision) == 40 else "c" * 40


def _passages(lang: str, prefix: str = "") -> list[tuple[str, str, str]]:
    return [(prefix + p.id, p.title, p.text) for p in TEXTS[lang].passages]


def _mr_tydi() -> Published:
    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(miniatures.castorini_mr_tydi(commit("mr-tydi/sw", "queries")))
        hub.add(miniatures.castorini_mr_tydi_corpus(commit("mr-tydi/sw", "corpus")))

    return Published(
        "mr-tydi/sw",
        _passages("sw"),
        {"86": "Mji mkuu wa Kenya ni upi?"},
        put,
        {"86": {"35#0": 1}},
        fetched={
            "castorini/mr-tydi": {"mrtydi-v1.1-swahili/test.jsonl.gz"},
            "castorini/mr-tydi-corpus": {"mrtydi-v1.1-swahili/corpus.jsonl.gz"},
        },
    )


def _mr_tydi_archive() -> Published:
    """Telugu, of which the hub has nothing and the web an archive."""
    subset = TEXTS["te"]
    contents = [{"id": p.id, "contents": f"{p.title}\n\n{p.text}"} for p in subset.passages]
    members = {
        "collection/docs.jsonl.gz": miniatures.jsonl(contents, zipped=True),
        "topic.test.tsv": miniatures.topics(subset),
        "qrels.test.txt": miniatures.trec_qrels(subset),
        "topic.train.tsv": b"1\tno\n",
    }
    archive = url("mr-tydi/te", "corpus")

    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(Repo("castorini/mr-tydi", commit("mr-tydi/te", "queries"), {"README.md": b""}))
        web.put(archive, tar({f"mrtydi-v1.1-telugu/{name}": data for name, data in members.items()}))

    return Published("mr-tydi/te", _passages("te"), subset.queries, put, subset.qrels, pages=(archive,))


def _ciral() -> Published:
    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(miniatures.ciral(commit("ciral/en-sw", "queries")))
        hub.add(miniatures.ciral_corpus(commit("ciral/en-sw", "corpus")))

    return Published(
        "ciral/en-sw",
        _passages("sw", "VOA#"),
        {"96": "What is the capital of Kenya? "},
        put,
        {"96": {"VOA#35#0": 1, "VOA#35#1": 0}},
        fetched={
            "CIRAL/ciral": {
                "ciral-swahili/topics/topics.ciral-v1.0-sw-test-b.tsv",
                "ciral-swahili/qrels/qrels.ciral-v1.0-sw-test-b.tsv",
            },
            "CIRAL/ciral-corpus": {"passages-v1.0/swahili_passages.jsonl"},
        },
    )


def _africlirmatrix() -> Published:
    label = "africlirmatrix/en-swa"
    pages = url(label, "queries"), url(label, "qrels")

    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(miniatures.africlirmatrix(commit(label, "corpus")))
        web.put(pages[0], b"12\tLake Victoria\n100\tNairobi\n7\tnot judged\n")
        web.put(pages[1], b"100 Q0 62445 6\n12 Q0 62443 5\n12 Q0 62444 4\n")

    return Published(
        label,
        [(f"{62443 + i}", "", p.text) for i, p in enumerate(TEXTS["sw"].passages)],
        {"12": "Lake Victoria", "100": "Nairobi"},
        put,
        {"12": {"62443": 5, "62444": 4}, "100": {"62445": 6}},
        fetched={"castorini/africlirmatrix": {"africlirmatrix-v1.0-swahili/corpus.jsonl"}},
        pages=pages,
    )


def _belebele() -> Published:
    subset = TEXTS["sw"]
    label = next(
        f"belebele/{s.name}" for s in task("belebele").subsets if {s.query_language, s.passage_language} == {"swh_Latn"}
    )
    gold = [next(p for p in subset.passages if grades.get(p.id)) for grades in subset.qrels.values()]

    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(miniatures.belebele(commit(label, "corpus"), hub_origin(label, "corpus").repo))

    return Published(
        label,
        [(f"C{i}", "", p.text) for i, p in enumerate(gold)],
        {f"Q{i}": text for i, text in enumerate(subset.queries.values())},
        put,
        {f"Q{i}": {f"C{i}": 1} for i in range(len(gold))},
        fetched={hub_origin(label, "corpus").repo: {"data/swh_Latn.jsonl"}},
    )


_WIKIPEDIA = [
    ("1", 'The Nile ("an-Nīl") is a river in Africa.', "Nile"),
    ("2", "Nairobi is the capital of Kenya.", "Nairobi"),
    ("3", "గోదావరి is a river in India.", "Godavari"),
]
_W100 = [(name, title, text) for name, text, title in _WIKIPEDIA]


def _w100_tsv() -> bytes:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerows([("id", "text", "title"), *_WIKIPEDIA])
    return out.getvalue().encode()


def _xor_tydi() -> Published:
    label = "xor-tydi/te"
    page = url(label, "corpus")
    rows = [
        {"id": "-7606160988275694755", "question": "గోదావరి ఎక్కడ\u200c ఉంది?", "answers": ["India", "భారత"], "lang": "te"},
        {"id": "5", "question": "Onko?", "answers": ["yes"], "lang": "fi"},
        {"id": "6", "question": "అవునా?", "answers": ["yes"], "lang": "te"},
    ]
    there = hub_origin(label, "queries")

    def put(hub: HubEmulator, web: Web) -> None:
        files = {there.path: miniatures.jsonl(rows), "train/xor-t2e-100w.jsonl.gz": b"large"}
        hub.add(Repo(there.repo, commit(label, "queries"), files))
        web.put(page, _w100_tsv())

    return Published(
        label,
        _W100,
        {str(rows[0]["id"]): str(rows[0]["question"])},
        put,
        answers={"-7606160988275694755": ["India", "భారత"]},
        fetched={there.repo: {there.path}},
        pages=(page,),
    )


def _afriqa() -> Published:
    label = "afriqa/sw-en"
    page = url(label, "corpus")
    rows = [
        {"id": "0", "question_lang": "Mto Nile uko wapi?", "title": "Nile", "context": "The Nile is in Africa."},
        {"id": "1", "question_lang": "Nani?", "title": "", "context": None},
        {"id": "2", "question_lang": "Mji mkuu ni upi?", "title": "Nairobi", "context": "Nairobi is the\ncapital."},
    ]
    return Published(
        label,
        [("p1", "Nile", "The Nile is in Africa."), ("p3", "Nairobi", "Nairobi is the\ncapital.")],
        {"0": "Mto Nile uko wapi?", "2": "Mji mkuu ni upi?"},
        lambda hub, web: web.put(page, miniatures.jsonl(rows)) and None,
        {"0": {"p1": 1}, "2": {"p3": 1}},
        pages=(page,),
    )


def _afriqa_w100() -> Published:
    label = "afriqa-w100/wo-fr"
    page, there = url(label, "queries"), hub_origin(label, "corpus")
    rows = [{"id": 0, "question": "Fan la Togo nekk?", "translated_answer": "['à l'ouest']"}]

    def put(hub: HubEmulator, web: Web) -> None:
        hub.add(miniatures.afriqa_passages(commit(label, "corpus")))
        web.put(page, miniatures.jsonl(rows))

    return Published(
        label,
        [("1", "Porto-Novo", "Porto-Novo est la capitale du Bénin."), ("2", "", "À l'ouest se trouve le Togo.")],
        {"0": "Fan la Togo nekk?"},
        put,
        answers={"0": ["à l'ouest"]},
        fetched={there.repo: {there.path}},
        pages=(page,),
    )


def _xtreme_up() -> Published:
    label = "xtreme-up/sw"
    page = url(label, "corpus")
    passages = [{"id": f"sw-{i}", "title": p.title, "context": p.text} for i, p in enumerate(TEXTS["sw"].passages)]
    asked = [{**passages[2], "question": "Mji mkuu wa Kenya ni upi?"}, {**passages[0], "question": "Ziwa lipi?"}]
    folder = "xtreme_up_v1.1/retrieval_in_lang"
    members = {
        f"{folder}/index.jsonl": miniatures.jsonl(passages),
        f"{folder}/test/sw.jsonl": miniatures.jsonl(asked),
        f"{folder}/dev/sw.jsonl": miniatures.jsonl(asked),
        f"{folder}/test/te.jsonl": miniatures.jsonl(asked),
    }
    return Published(
        label,
        [(str(row["id"]), row["title"], row["context"]) for row in passages],
        {"1": "Mji mkuu wa Kenya ni upi?", "2": "Ziwa lipi?"},
        lambda hub, web: web.put(page, tar(members)) and None,
        {"1": {"sw-2": 1}, "2": {"sw-0": 1}},
        pages=(page,),
    )


def _mkqa() -> Published:
    label = "mkqa/ar-en"
    pages = url(label, "queries"), url(label, "corpus")
    codes = [s.query_language for s in task("mkqa").subsets]
    answer = {"type": "entity", "entity": "Q1", "text": "Nairobi", "aliases": ["Nairobi City"]}
    row = {
        "example_id": -6844374498312529972,
        "queries": {code: f"{code}: ؟" for code in codes},
        "answers": {"en": [answer]},
    }
    long = {**row, "example_id": 2, "answers": {"en": [{"type": "long_answer", "text": None}]}}

    def put(hub: HubEmulator, web: Web) -> None:
        web.put(pages[0], miniatures.jsonl([row, long], zipped=True))
        web.put(pages[1], gzip.compress(_w100_tsv(), mtime=0))

    return Published(
        label,
        _W100,
        {"-6844374498312529972": "ar: ؟"},
        put,
        answers={"-6844374498312529972": ["Nairobi City", "Nairobi"]},
        pages=pages,
    )


def tar(members: Mapping[str, bytes]) -> bytes:
    """A tar archive under gzip."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


#: Everything but what mteb has.
FILES = (
    _mr_tydi, _mr_tydi_archive, _ciral, _africlirmatrix, _belebele, _xor_tydi, _afriqa, _afriqa_w100, _xtreme_up, _mkqa
)  # fmt: skip


def mteb_copies(hub: HubEmulator) -> dict[str, dict[str, Any]]:
    """Put up the repositories of mteb; what three subsets of them must be read as."""
    for make in (miniatures.miracl, miniatures.miracl_hard_negatives, miniatures.neuclir):
        hub.add(make())
    swahili = {
        "passages": [list(passage) for passage in _passages("sw")],
        "queries": dict(TEXTS["sw"].queries),
        "qrels": json.loads(json.dumps(TEXTS["sw"].qrels)),
        "answers": None,
    }
    russian = {
        "passages": [
            ["e0c3a1d2-4b5f", "Новости", "Совет одобрил бюджет на 2022 год."],
            ["00017", "", "Учёные нашли новый вид рыб\nв озере Байкал."],
            ["9f31", "Погода", "В Москве ожидается снег."],
        ],
        "queries": {"114": "новый вид рыб в озере Байкал", "158": "принятие бюджета"},
        "qrels": {"114": {"00017": 3, "9f31": 0}, "158": {"e0c3a1d2-4b5f": 1}},
        "answers": None,
    }
    return {"miracl/sw": swahili, "miracl-hard-negatives/sw": swahili, "neuclir-2022-monolingual/ru": russian}

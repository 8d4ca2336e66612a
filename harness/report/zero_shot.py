"""Whether an encoder has seen data of a benchmark, told from the names of what it was trained on.

Everybody names data sets differently: mteb's registry says `MIRACLRetrieval` and `MrTidyRetrieval`, model cards say
`miracl/miracl`, and authors `miracl-train`. Names are compared without case, owner and punctuation; in front of a
benchmark's name stands nothing, and behind it only words that mean a part or another use of the same data.
docs/decisions/0013 tells what counts as data of a benchmark, and why.
"""

from __future__ import annotations

import re
from collections.abc import Collection

#: Benchmarks by all their names; those with the same questions together. XOR-TyDi and Mr. TyDi take theirs from TyDi
#: QA, and every dev question of MIRACL in Mr. TyDi's eleven languages is one of Mr. TyDi's dev questions.
_SHARED = (
    ("tydiqa", "tydi", "xortydi", "xorqa", "xorretrieve", "mrtydi", "mrtidy", "miracl"),
    ("afriqa",),
    ("neuclir",),
)

#: What may stand behind a name: a version or year, a language, a split, and what tasks made of a data set are called.
_REST = re.compile(
    r"(v\d+|20\d\d)*([a-z]{2,3}(?=retrieval|reranking))?"
    r"(train|dev|test|corpus|queries|questions|retrieval|reranking|ranking|hardnegatives|monolingual|lite|goldp|w100|hn)*"
)

#: The embedded collection was written for this project: its tasks have the names of benchmarks, and none of their text.
_POCKET = "pocket"


def has_seen(task: str, source: str, training: Collection[str] | None) -> bool | None:
    """True where `training` names data of `task`, False where it does not, None where nobody has stated it.

    `task` and `source` are names as results hold them (`miracl-hard-negatives`, `official`).
    """
    if source == _POCKET:
        return any(_plain(name).startswith(_POCKET) for name in training or ())
    if training is None:
        return None
    own = _plain(task)
    names = next((group for group in _SHARED if any(_is_of(own, name) for name in group)), (own,))
    return any(
        data.casefold().startswith(f"{task.casefold()}-") or any(_is_of(_plain(data), name) for name in names)
        for data in training
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.rpartition("/")[2].casefold())


def _is_of(plain: str, name: str) -> bool:
    return bool(name) and plain.startswith(name) and _REST.fullmatch(plain[len(name) :]) is not None

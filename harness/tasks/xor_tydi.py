"""XOR-TyDi, subtask XOR-Retrieve: questions in seven languages, answers in English Wikipedia."""

from __future__ import annotations

from harness.tasks.model import Task, average_of, into

_QUERIES = {"ar": 309, "bn": 304, "fi": 314, "ja": 241, "ko": 285, "ru": 237, "te": 238}
_SUBSETS = into("en", _QUERIES, paired_name=False)

XOR_TYDI = Task(
    name="xor-tydi",
    title="XOR-TyDi (XOR-Retrieve)",
    family="xor-tydi",
    subsets=_SUBSETS,
    splits=("dev",),  # the answers of the test split are not public
    split="dev",
    metrics=("r@2kt", "r@5kt"),
    averages=(average_of(_SUBSETS),),
    passage_template="{text}",
    licence="CC BY-SA 4.0 (questions), CC BY-SA 3.0 (Wikipedia passages)",
    url="https://nlp.cs.washington.edu/xorqa/",
    citation=(
        "Akari Asai, Jungo Kasai, Jonathan Clark, Kenton Lee, Eunsol Choi, Hannaneh Hajishirzi. "
        "XOR QA: Cross-lingual Open-Retrieval Question Answering. NAACL 2021."
    ),
    summary="questions in 7 languages against English Wikipedia, scored by answer recall in 2,000 and 5,000 tokens",
    queries={(language, "dev"): count for language, count in _QUERIES.items()},
    passages=dict.fromkeys(_QUERIES, 18003200),
)

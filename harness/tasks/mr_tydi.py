"""Mr.TyDi v1.1: monolingual retrieval in eleven typologically diverse languages."""

from __future__ import annotations

from harness.tasks.model import Task, average_of, monolingual

#: Queries of (dev, test), and passages.
_COUNTS = {
    "ar": (3115, 1081, 2_106_586),
    "bn": (440, 111, 304_059),
    "en": (878, 744, 32_907_100),
    "fi": (1738, 1254, 1_908_757),
    "id": (1224, 829, 1_469_399),
    "ja": (928, 720, 7_000_027),
    "ko": (303, 421, 1_496_126),
    "ru": (1375, 995, 9_597_504),
    "sw": (526, 670, 136_689),
    "te": (983, 646, 548_224),
    "th": (807, 1190, 568_855),
}
_SUBSETS = monolingual(_COUNTS)

MR_TYDI = Task(
    name="mr-tydi",
    title="Mr.TyDi v1.1",
    family="mr-tydi",
    subsets=_SUBSETS,
    splits=("dev", "test"),
    split="test",
    metrics=("mrr@100", "recall@100"),
    averages=(average_of(_SUBSETS),),
    passage_template="{title}\n\n{text}",
    licence="Apache-2.0 (topics and qrels), CC BY-SA 3.0 (Wikipedia passages)",
    url="https://github.com/castorini/mr.tydi",
    citation=(
        "Xinyu Zhang, Xueguang Ma, Peng Shi, Jimmy Lin. "
        "Mr. TyDi: A Multi-lingual Benchmark for Dense Retrieval. MRL 2021."
    ),
    summary="monolingual retrieval in 11 languages, one relevant passage for most questions",
    queries={
        (language, split): counts[i] for language, counts in _COUNTS.items() for i, split in enumerate(("dev", "test"))
    },
    passages={language: counts[2] for language, counts in _COUNTS.items()},
)

"""MIRACL v1.0: monolingual retrieval in eighteen languages with judgements by native speakers, in full and reduced."""

from __future__ import annotations

from harness.tasks.model import Task, average_of, monolingual

#: Queries of dev, and passages.
_COUNTS = {
    "ar": (2896, 2_061_414),
    "bn": (411, 297_265),
    "de": (305, 15_866_222),
    "en": (799, 32_893_221),
    "es": (648, 10_373_953),
    "fa": (632, 2_207_172),
    "fi": (1271, 1_883_509),
    "fr": (343, 14_636_953),
    "hi": (350, 506_264),
    "id": (960, 1_446_315),
    "ja": (860, 6_953_614),
    "ko": (213, 1_486_752),
    "ru": (1252, 9_543_918),
    "sw": (482, 131_924),
    "te": (828, 518_079),
    "th": (733, 542_166),
    "yo": (119, 49_043),
    "zh": (393, 4_934_368),
}
_SUBSETS = monolingual(_COUNTS)

MIRACL = Task(
    name="miracl",
    title="MIRACL v1.0",
    family="miracl",
    subsets=_SUBSETS,
    splits=("dev",),  # the judgements of test-a and test-b are not public
    split="dev",
    metrics=("ndcg@10", "recall@100"),
    averages=(average_of(_SUBSETS),),
    passage_template="{title}\n\n{text}",  # as the authors' mDPR and mContriever read it; mteb joins with a space
    licence="Apache-2.0 (topics and qrels), CC BY-SA 3.0 (Wikipedia passages)",
    url="https://project-miracl.github.io/",
    citation=(
        "Xinyu Zhang, Nandan Thakur, Odunayo Ogundepo, Ehsan Kamalloo, David Alfonso-Hermelo, Xiaoguang Li, Qun Liu, "
        "Mehdi Rezagholizadeh, Jimmy Lin. MIRACL: A Multilingual Retrieval Dataset Covering 18 Diverse Languages. "
        "TACL 2023."
    ),
    summary="monolingual retrieval in 18 languages, several judged passages for each question",
    queries={(language, "dev"): counts[0] for language, counts in _COUNTS.items()},
    passages={language: counts[1] for language, counts in _COUNTS.items()},
)

#: Queries and passages of mteb/MIRACLRetrievalHardNegatives at revision d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c,
#: which mteb pins, by the descriptive statistics that mteb packages. Bengali, Swahili and Yoruba have the whole
#: corpus; Arabic, Finnish and Russian are cut to a thousand queries.
_HARD_COUNTS = {
    "ar": (1000, 192_103),
    "bn": (411, 297_265),
    "de": (305, 71_277),
    "en": (799, 178_768),
    "es": (648, 146_750),
    "fa": (632, 133_596),
    "fi": (1000, 194_415),
    "fr": (343, 75_357),
    "hi": (350, 63_066),
    "id": (960, 168_173),
    "ja": (860, 185_319),
    "ko": (213, 43_293),
    "ru": (1000, 219_114),
    "sw": (482, 131_924),
    "te": (828, 101_961),
    "th": (733, 116_649),
    "yo": (119, 49_043),
    "zh": (393, 81_309),
}

MIRACL_HARD_NEGATIVES = Task(
    name="miracl-hard-negatives",
    title="MIRACL v1.0, hard negatives",
    family="miracl-hard-negatives",
    subsets=_SUBSETS,
    splits=("dev",),
    split="dev",
    metrics=("ndcg@10", "recall@100"),
    averages=(average_of(_SUBSETS),),
    passage_template="{title} {text}",
    licence=MIRACL.licence,
    url="https://huggingface.co/datasets/mteb/MIRACLRetrievalHardNegatives",
    citation=f"{MIRACL.citation} Reduced by: Kenneth Enevoldsen et al. MMTEB: Massive Multilingual Text Embedding "
    "Benchmark. ICLR 2025.",
    summary="MIRACL with each corpus cut to what three systems found in their first 250 passages, as mteb has it",
    queries={(language, "dev"): counts[0] for language, counts in _HARD_COUNTS.items()},
    passages={language: counts[1] for language, counts in _HARD_COUNTS.items()},
)

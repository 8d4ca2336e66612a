"""NeuCLIR 2022: news in Persian, Russian and Chinese, asked for in English or in its own language."""

from __future__ import annotations

from dataclasses import replace

from harness.tasks.model import Subset, Task, average_of, monolingual

_COUNTS = {"fa": (46, 2_232_016), "ru": (45, 4_627_543), "zh": (49, 3_179_209)}  # judged topics, documents
_SUBSETS = tuple(Subset(f"en-{language}", "en", language) for language in _COUNTS)
_OWN = monolingual(_COUNTS)

NEUCLIR = Task(
    name="neuclir-2022",
    title="NeuCLIR 2022",
    family="low-resource",
    subsets=_SUBSETS,
    splits=("test",),
    split="test",
    metrics=("ndcg@20", "recall@100"),
    averages=(average_of(_SUBSETS),),
    passage_template="{title} {text}",
    licence="ODC-BY (documents), NIST (topics)",
    url="https://neuclir.github.io/",
    citation="Dawn Lawrie et al. Overview of the TREC 2022 NeuCLIR Track. TREC 2022.",
    summary="English topics against news in Persian, Russian and Chinese",
    queries={(f"en-{language}", "test"): row[0] for language, row in _COUNTS.items()},
    passages={f"en-{language}": row[1] for language, row in _COUNTS.items()},
)

#: That mteb's topics are in the language of the documents is told by its statistics: 24 characters a topic for Chinese,
#: 84 for Persian, where the English topics are the same for all three.
NEUCLIR_MONOLINGUAL = replace(
    NEUCLIR,
    name="neuclir-2022-monolingual",
    title="NeuCLIR 2022, monolingual",
    subsets=_OWN,
    averages=(average_of(_OWN),),
    summary="topics in Persian, Russian and Chinese against news in the same language, as mteb has it",
    queries={(language, "test"): row[0] for language, row in _COUNTS.items()},
    passages={language: row[1] for language, row in _COUNTS.items()},
)

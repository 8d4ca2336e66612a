"""XTREME-UP retrieval: questions of TyDi QA in their languages, and of XOR-TyDi in Indic languages."""

from __future__ import annotations

from harness.tasks.model import Subset, Task, average_of, into

# In-language questions are asked of one pool with the passages of all nine languages (`mul`), whose file is the one
# index of that task. Cross-lingual ones are asked of English passages. `evaluation/score_system.py` of
# google-research/xtreme-up averages over languages that it calls under-represented, which Hindi is not; SWIM-IR
# publishes the average over the 20 Indic languages, with Hindi and without Bengali and Telugu.
_OWN = tuple(Subset(language, language, "mul") for language in "ar bn en fi id ko ru sw te".split())
_OWN_SCORED = tuple(subset for subset in _OWN if subset.name in ("bn", "id", "sw", "te"))
_INDIC = into(
    "en",
    "as bho brx gbm gom gu hi hne kn mai ml mni mr mwr or pa ps sa ta ur".split(),
    paired_name=True,
)
_CROSS = into("en", ("bn", "te"), paired_name=True) + _INDIC
_CROSS_SCORED = tuple(subset for subset in _CROSS if subset.query_language != "hi")

XTREME_UP = Task(
    name="xtreme-up",
    title="XTREME-UP retrieval",
    family="low-resource",
    subsets=_OWN + _CROSS,
    splits=("dev", "test"),
    split="test",
    metrics=("mrr@10",),
    averages=(
        average_of(_OWN_SCORED, "Avg own"),
        average_of(_CROSS_SCORED, "Avg → en"),
        average_of(_OWN, "Avg own, all"),
        average_of(_INDIC, "Avg Indic → en"),
    ),
    passage_template="{title} {text}",
    lowercase="ascii",
    licence="Apache-2.0 (code), CC BY-SA (data)",
    url="https://github.com/google-research/xtreme-up",
    citation=(
        "Sebastian Ruder et al. XTREME-UP: A User-Centric Scarce-Data Benchmark for Under-Represented Languages. "
        "Findings of EMNLP 2023."
    ),
    summary="in-language retrieval in 9 languages and cross-lingual retrieval from 22, 20 of them Indic",
)

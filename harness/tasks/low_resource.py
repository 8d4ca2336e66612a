"""The low-resource family: one task of the pocket source, and the published benchmarks that cover such languages."""

from __future__ import annotations

from harness.tasks.belebele import BELEBELE
from harness.tasks.model import Subset, Task, average_of, into, monolingual
from harness.tasks.neuclir import NEUCLIR, NEUCLIR_MONOLINGUAL
from harness.tasks.xtreme_up import XTREME_UP

_POCKET_LANGUAGES = ("am", "ha", "ig", "so", "sw", "yo")
_POCKET_OWN = monolingual(_POCKET_LANGUAGES)
_POCKET_INTO_ENGLISH = into("en", _POCKET_LANGUAGES, paired_name=True)

LOW_RESOURCE = Task(
    name="low-resource",
    title="Low-resource split",
    family="low-resource",
    subsets=_POCKET_OWN + _POCKET_INTO_ENGLISH,
    splits=("test",),
    split="test",
    metrics=("ndcg@10", "mrr@100"),
    averages=(average_of(_POCKET_OWN, "Avg own"), average_of(_POCKET_INTO_ENGLISH, "Avg → en")),
    passage_template="{title} {text}",
    licence="CC0-1.0",
    url="https://github.com/lamir-harness/lamir-harness",
    citation="The pocket collection of lamir-harness.",
    summary="six African languages, each against its own passages and against English ones (pocket source)",
)

_AFRIQA: dict[str, tuple[str, str, int, int]] = {  # subset: (query language, passage language, dev, test)
    "bem-en": ("bem", "en", 503, 314),
    "fon-fr": ("fon", "fr", 428, 386),
    "ha-en": ("ha", "en", 436, 300),
    "ig-en": ("ig", "en", 418, 409),
    "rw-en": ("rw", "en", 409, 347),
    "sw-en": ("sw", "en", 417, 302),
    "tw-en": ("tw", "en", 452, 490),
    "wo-fr": ("wo", "fr", 504, 334),
    "yo-en": ("yo", "en", 361, 332),
    "zu-en": ("zu", "en", 388, 325),
}
_AFRIQA_SUBSETS = tuple(Subset(name, row[0], row[1]) for name, row in _AFRIQA.items())
_AFRIQA_GOLD = tuple(subset for subset in _AFRIQA_SUBSETS if subset.name != "wo-fr")  # no gold passages were published
_AFRIQA_CITATION = (
    "Odunayo Ogundepo et al. AfriQA: Cross-lingual Open-Retrieval Question Answering for African Languages. "
    "Findings of EMNLP 2023."
)

AFRIQA = Task(
    name="afriqa",
    title="AfriQA (gold passages)",
    family="low-resource",
    subsets=_AFRIQA_GOLD,
    splits=("dev", "test"),
    split="test",
    metrics=("mrr@100", "ndcg@10"),
    averages=(average_of(_AFRIQA_GOLD),),
    passage_template="{text}",
    licence="CC BY 4.0",
    url="https://github.com/masakhane-io/afriqa",
    citation=_AFRIQA_CITATION,
    summary="questions in 9 African languages against English or French gold passages",
    # No counts: the README counts all questions, and those with a gold passage are fewer (222 of 436 in ha dev).
    subset_splits={"sw-en": ("test",), "yo-en": ("test",)},
)

AFRIQA_W100 = Task(
    name="afriqa-w100",
    title="AfriQA (Wikipedia passages)",
    family="low-resource",
    subsets=_AFRIQA_SUBSETS,
    splits=("dev", "test"),
    split="test",
    metrics=("answer-recall@10", "answer-recall@20", "answer-recall@100"),
    averages=(average_of(_AFRIQA_SUBSETS),),
    passage_template="{text}",  # the first passage of an article begins with its title
    licence="CC BY 4.0 (questions), CC BY-SA 3.0 (Wikipedia passages)",
    url="https://github.com/masakhane-io/afriqa",
    citation=_AFRIQA_CITATION,
    summary="questions in 10 African languages against English or French Wikipedia, scored by DPR answer matching",
    queries={  # of ../shared/data/published/evaluation_sets.csv, which has them from the README
        (name, split): count
        for name, row in _AFRIQA.items()
        for split, count in zip(("dev", "test"), row[2:], strict=True)
    },
)

_CIRAL = {
    "en-ha": (10, 80, 312, 715_355),
    "en-so": (10, 99, 239, 827_552),
    "en-sw": (10, 85, 113, 949_013),
    "en-yo": (10, 100, 554, 82_095),
}
_CIRAL_SUBSETS = tuple(Subset(name, "en", name.removeprefix("en-")) for name in _CIRAL)

CIRAL = Task(
    name="ciral",
    title="CIRAL v1.0",
    family="low-resource",
    subsets=_CIRAL_SUBSETS,
    splits=("dev", "test-a", "test-a-pools", "test-b"),  # the pools judge the topics of test-a more deeply
    split="test-b",
    metrics=("ndcg@20", "recall@100"),
    averages=(average_of(_CIRAL_SUBSETS),),
    passage_template="{text}",  # pyserini's indexes of CIRAL are of the text alone
    licence="Apache-2.0",
    url="https://github.com/ciralproject/ciral",
    citation=(
        "Mofetoluwa Adeyemi, Akintunde Oladipo, Xinyu Zhang, David Alfonso-Hermelo, Mehdi Rezagholizadeh, Boxing "
        "Chen, Jimmy Lin. CIRAL: A Test Collection for CLIR Evaluations in African Languages. SIGIR 2024."
    ),
    summary="English questions against news passages in Hausa, Somali, Swahili and Yoruba",
    queries={
        (name, split): row[i]
        for name, row in _CIRAL.items()
        for split, i in {"dev": 0, "test-a": 1, "test-a-pools": 1, "test-b": 2}.items()
    },
    passages={name: row[3] for name, row in _CIRAL.items()},
)

_AFRICLIRMATRIX = {  # language: judged test topics, which are all topics but in Igbo, the half of whose 1,000 is judged
    "afr": 1500, "amh": 1500, "ary": 500, "arz": 1500, "hau": 1500, "ibo": 500, "nso": 500, "sna": 500,
    "som": 1000, "swa": 1500, "tir": 50, "twi": 250, "wol": 250, "yor": 1000, "zul": 1000,
}  # fmt: skip
_AFRICLIRMATRIX_SUBSETS = tuple(Subset(f"en-{language}", "en", language) for language in _AFRICLIRMATRIX)

AFRICLIRMATRIX = Task(
    name="africlirmatrix",
    title="AfriCLIRMatrix v1.0",
    family="low-resource",
    subsets=_AFRICLIRMATRIX_SUBSETS,
    splits=("test",),
    split="test",
    metrics=("ndcg@10", "recall@100"),
    averages=(average_of(_AFRICLIRMATRIX_SUBSETS),),
    passage_template="{text}",  # the articles have no titles
    licence="CC BY-SA 3.0 (Wikipedia)",
    url="https://github.com/castorini/africlirmatrix",
    citation=(
        "Odunayo Ogundepo, Xinyu Zhang, Shuo Sun, Kevin Duh, Jimmy Lin. AfriCLIRMatrix: Enabling Cross-Lingual "
        "Information Retrieval for African Languages. EMNLP 2022."
    ),
    summary="English Wikipedia titles against articles in 15 African languages, averaged over judged topics",
    queries={(f"en-{language}", "test"): count for language, count in _AFRICLIRMATRIX.items()},
)

_MKQA_SUBSETS = into(
    "en",
    "ar da de en es fi fr he hu it ja km ko ms nl no pl pt ru sv th tr vi zh_cn zh_hk zh_tw".split(),
    paired_name=True,
)
_MKQA_SUBSETS_NOT_ENGLISH = tuple(subset for subset in _MKQA_SUBSETS if subset.query_language != "en")

MKQA = Task(
    name="mkqa",
    title="MKQA (Contriever protocol)",
    family="low-resource",
    subsets=_MKQA_SUBSETS,
    splits=("test",),
    split="test",
    metrics=("answer-recall@100", "answer-recall@20"),
    averages=(average_of(_MKQA_SUBSETS), average_of(_MKQA_SUBSETS_NOT_ENGLISH, "Avg, no en")),
    passage_template="{title} {text}",
    licence="CC BY-SA 3.0",
    url="https://github.com/apple/ml-mkqa",
    citation=(
        "Shayne Longpre, Yi Lu, Joachim Daiber. MKQA: A Linguistically Diverse Benchmark for Multilingual Open "
        "Domain Question Answering. TACL 2021."
    ),
    summary="questions in 26 languages against English Wikipedia, scored by DPR answer matching",
    # Passages: ../shared/data/published/evaluation_sets.csv. It has 6,619 questions as recalled and 6,620 as counted by
    # type of answer, so that neither is declared.
    passages={subset.name: 21_015_324 for subset in _MKQA_SUBSETS},
)

LOW_RESOURCE_TASKS = (
    LOW_RESOURCE, AFRIQA, AFRIQA_W100, CIRAL, AFRICLIRMATRIX, BELEBELE, XTREME_UP, MKQA, NEUCLIR, NEUCLIR_MONOLINGUAL
)  # fmt: skip

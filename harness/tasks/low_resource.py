"""The low-resource family: one task of the pocket source, and the published benchmarks that cover such languages."""

from __future__ import annotations

from harness.tasks.model import Subset, Task, average_of, into, monolingual

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

# Variants of one language in two scripts are two languages here, as they are in Belebele.
_BELEBELE = """
acm_Arab afr_Latn als_Latn amh_Ethi apc_Arab arb_Arab arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng azj_Latn bam_Latn
ben_Beng ben_Latn bod_Tibt bul_Cyrl cat_Latn ceb_Latn ces_Latn ckb_Arab dan_Latn deu_Latn ell_Grek eng_Latn est_Latn
eus_Latn fin_Latn fra_Latn fuv_Latn gaz_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hin_Latn hrv_Latn
hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kac_Latn kan_Knda kat_Geor kaz_Cyrl
kea_Latn khk_Cyrl khm_Khmr kin_Latn kir_Cyrl kor_Hang lao_Laoo lin_Latn lit_Latn lug_Latn luo_Latn lvs_Latn mal_Mlym
mar_Deva mkd_Cyrl mlt_Latn mri_Latn mya_Mymr nld_Latn nob_Latn npi_Deva npi_Latn nso_Latn nya_Latn ory_Orya pan_Guru
pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn ron_Latn rus_Cyrl shn_Mymr sin_Latn sin_Sinh slk_Latn slv_Latn sna_Latn
snd_Arab som_Latn sot_Latn spa_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn tam_Taml tel_Telu tgk_Cyrl tgl_Latn
tha_Thai tir_Ethi tsn_Latn tso_Latn tur_Latn ukr_Cyrl urd_Arab urd_Latn uzn_Latn vie_Latn war_Latn wol_Latn xho_Latn
yor_Latn zho_Hans zho_Hant zsm_Latn zul_Latn
""".split()
_BELEBELE_OWN = monolingual(_BELEBELE)
_BELEBELE_INTO_ENGLISH = into("eng_Latn", (x for x in _BELEBELE if x != "eng_Latn"), paired_name=True)

BELEBELE = Task(
    name="belebele",
    title="Belebele as retrieval",
    family="low-resource",
    subsets=_BELEBELE_OWN + _BELEBELE_INTO_ENGLISH,
    splits=("test",),
    split="test",
    metrics=("ndcg@10",),
    averages=(average_of(_BELEBELE_OWN, "Avg own"), average_of(_BELEBELE_INTO_ENGLISH, "Avg → eng")),
    passage_template="{text}",
    licence="CC BY-SA 4.0",
    url="https://github.com/facebookresearch/belebele",
    citation=(
        "Lucas Bandarkar et al. The Belebele Benchmark: a Parallel Reading Comprehension Dataset in 122 Language "
        "Variants. ACL 2024."
    ),
    summary="900 questions over 488 parallel passages in 122 language variants, own language and into English",
    queries={(subset.name, "test"): 900 for subset in _BELEBELE_OWN + _BELEBELE_INTO_ENGLISH},
    passages={subset.name: 488 for subset in _BELEBELE_OWN + _BELEBELE_INTO_ENGLISH},
)

_XTREME_UP_OWN = monolingual("ar bn en fi id ko ru sw te".split())
_XTREME_UP_CROSS = into(
    "en",
    "as bho brx gbm gom gu hi hne kn mai ml mni mr mwr or pa ps sa ta ur".split(),
    paired_name=True,
)

XTREME_UP = Task(
    name="xtreme-up",
    title="XTREME-UP retrieval",
    family="low-resource",
    subsets=_XTREME_UP_OWN + _XTREME_UP_CROSS,
    splits=("dev", "test"),
    split="test",
    metrics=("mrr@10",),
    averages=(average_of(_XTREME_UP_OWN, "Avg own"), average_of(_XTREME_UP_CROSS, "Avg → en")),
    passage_template="{title} {text}",
    licence="Apache-2.0 (code), CC BY-SA (data)",
    url="https://github.com/google-research/xtreme-up",
    citation=(
        "Sebastian Ruder et al. XTREME-UP: A User-Centric Scarce-Data Benchmark for Under-Represented Languages. "
        "Findings of EMNLP 2023."
    ),
    summary="in-language retrieval in 9 languages and cross-lingual retrieval from 20 Indic languages",
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

_NEUCLIR = {"fa": (46, 2_232_016), "ru": (45, 4_627_543), "zh": (49, 3_179_209)}  # judged topics, documents
_NEUCLIR_SUBSETS = tuple(Subset(f"en-{language}", "en", language) for language in _NEUCLIR)

NEUCLIR = Task(
    name="neuclir-2022",
    title="NeuCLIR 2022",
    family="low-resource",
    subsets=_NEUCLIR_SUBSETS,
    splits=("test",),
    split="test",
    metrics=("ndcg@20", "recall@100"),
    averages=(average_of(_NEUCLIR_SUBSETS),),
    passage_template="{title} {text}",
    licence="ODC-BY (documents), NIST (topics)",
    url="https://neuclir.github.io/",
    citation=("Dawn Lawrie et al. Overview of the TREC 2022 NeuCLIR Track. TREC 2022."),
    summary="English topics against news in Persian, Russian and Chinese",
    queries={(f"en-{language}", "test"): row[0] for language, row in _NEUCLIR.items()},
    passages={f"en-{language}": row[1] for language, row in _NEUCLIR.items()},
)

LOW_RESOURCE_TASKS = (LOW_RESOURCE, AFRIQA, AFRIQA_W100, CIRAL, AFRICLIRMATRIX, BELEBELE, XTREME_UP, MKQA, NEUCLIR)

"""Belebele as retrieval: the questions of a reading test against its passages, in 122 language variants."""

from __future__ import annotations

from harness.tasks.model import Subset, Task, average_of, into, monolingual

# Variants of one language in two scripts are two languages here, as they are in Belebele.
_LANGUAGES = """
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
#: Languages that Belebele has in their own script and in Latin script.
_IN_TWO_SCRIPTS = ("arb_Arab", "ben_Beng", "hin_Deva", "npi_Deva", "sin_Sinh", "urd_Arab")

# A question that is there twice, word by word, is one query with two relevant passages, as mteb has it. The counts are
# those of the queries of each language in the descriptive statistics that mteb 2 is packaged with.
_FEWER = {
    "ary_Arab": 898, "ibo_Latn": 899, "kac_Latn": 899, "kin_Latn": 899, "lin_Latn": 898, "lug_Latn": 899,
    "mar_Deva": 899, "sna_Latn": 899, "srp_Cyrl": 899,
}  # fmt: skip


def _pair(query: str, passage: str) -> Subset:
    return Subset(f"{query}-{passage}", query, passage)


_OWN = monolingual(_LANGUAGES)
_INTO_ENGLISH = into("eng_Latn", (x for x in _LANGUAGES if x != "eng_Latn"), paired_name=True)
_FROM_ENGLISH = tuple(_pair("eng_Latn", x) for x in _LANGUAGES if x != "eng_Latn")
_LATIN = [(own, f"{own.partition('_')[0]}_Latn") for own in _IN_TWO_SCRIPTS]
_SCRIPTS = tuple(_pair(*pair) for own, latin in _LATIN for pair in ((own, latin), (latin, own)))
_SUBSETS = _OWN + _INTO_ENGLISH + _FROM_ENGLISH + _SCRIPTS

BELEBELE = Task(
    name="belebele",
    title="Belebele as retrieval",
    family="low-resource",
    subsets=_SUBSETS,
    splits=("test",),
    split="test",
    metrics=("ndcg@10",),
    averages=(
        average_of(_OWN, "Avg own"),
        average_of(_INTO_ENGLISH, "Avg → eng"),
        average_of(_FROM_ENGLISH, "Avg eng →"),
        average_of(_SCRIPTS, "Avg scripts"),
    ),
    passage_template="{text}",
    licence="CC BY-SA 4.0",
    url="https://github.com/facebookresearch/belebele",
    citation=(
        "Lucas Bandarkar et al. The Belebele Benchmark: a Parallel Reading Comprehension Dataset in 122 Language "
        "Variants. ACL 2024."
    ),
    summary="900 questions over 488 parallel passages in 122 language variants: own, to and from English, two scripts",
    queries={(subset.name, "test"): _FEWER.get(subset.query_language, 900) for subset in _SUBSETS},
    passages={subset.name: 488 for subset in _SUBSETS},
)

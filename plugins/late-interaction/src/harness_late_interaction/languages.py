"""Which of X-MOD's language adapters a text goes through.

X-MOD (Pfeiffer et al., NAACL 2022, https://aclanthology.org/2022.naacl-main.255) has one adapter for each language in
every layer, under names such as `en_XX` and `sw_KE`. ColBERT-XM is fine-tuned with the English ones and reads other
languages through theirs. A language without an adapter goes through the English one.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Tags under which a language of X-MOD's is also known: members of a macrolanguage, and retired tags.
_SAME = {
    "als": "sq", "arb": "ar", "azj": "az", "cmn": "zh", "ekk": "et", "fil": "tl", "gaz": "om", "in": "id", "iw": "he",
    "khk": "mn", "kmr": "ku", "lvs": "lv", "nb": "no", "nn": "no", "nob": "no", "nno": "no", "npi": "ne", "ory": "or",
    "pbt": "ps", "pes": "fa", "prs": "fa", "swh": "sw", "uzn": "uz", "zsm": "ms",
}  # fmt: skip
#: Regions that a script stands for in names of adapters.
_REGION_OF_SCRIPT = {"hans": "CN", "hant": "TW"}
_PREFERRED = ("XX", "CN")

#: The adapter of languages that have none.
FALLBACK = "en_XX"


def adapter_for(tag: str | None, adapters: Sequence[str]) -> str | None:
    """The name among `adapters` for the BCP 47 `tag`; None where it has none or `tag` is None.

    The primary language decides. Where it has several adapters (`zh_CN`, `zh_TW`), region or script choose, and
    otherwise the one without a region, then simplified Chinese, then the first.
    """
    if tag is None:
        return None
    primary, *rest = tag.replace("_", "-").lower().split("-")
    primary = _SAME.get(primary, primary)
    own = {name.partition("_")[2].upper(): name for name in adapters if name.partition("_")[0].lower() == primary}
    regions = [_REGION_OF_SCRIPT.get(part, part.upper()) for part in rest]
    for region in (*regions, *_PREFERRED):
        if region in own:
            return own[region]
    return next(iter(own.values()), None)


def fallback_among(adapters: Sequence[str]) -> str:
    """The adapter for texts of unknown language and of languages without one: English, else the first there is."""
    return FALLBACK if FALLBACK in adapters else adapters[0]

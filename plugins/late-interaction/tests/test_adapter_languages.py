"""BCP 47 tags and the names of X-MOD's adapters."""

from __future__ import annotations

import pytest
from harness_late_interaction.languages import adapter_for, fallback_among

#: Those of ColBERT-XM on Mr.TyDi and MIRACL, as its authors map them, and a few more.
ADAPTERS = (
    "en_XX", "ar_AR", "bn_IN", "es_XX", "fa_IR", "fi_FI", "fr_XX", "hi_IN", "id_ID", "ja_XX", "ko_KR", "ru_RU",
    "sw_KE", "te_IN", "th_TH", "zh_TW", "zh_CN", "no_XX", "tl_XX", "he_IL",
)  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "adapter"),
    [
        ("ar", "ar_AR"), ("bn", "bn_IN"), ("en", "en_XX"), ("es", "es_XX"), ("fa", "fa_IR"), ("fi", "fi_FI"),
        ("fr", "fr_XX"), ("hi", "hi_IN"), ("id", "id_ID"), ("ja", "ja_XX"), ("ko", "ko_KR"), ("ru", "ru_RU"),
        ("sw", "sw_KE"), ("te", "te_IN"), ("th", "th_TH"), ("zh", "zh_CN"),
        ("zh-TW", "zh_TW"), ("zh-Hant", "zh_TW"), ("zh-Hant-HK", "zh_TW"), ("zh-Hans", "zh_CN"), ("zh-SG", "zh_CN"),
        ("pt-BR", None), ("en-GB", "en_XX"), ("EN_us", "en_XX"), ("nb", "no_XX"), ("fil", "tl_XX"), ("iw", "he_IL"),
        ("arb", "ar_AR"), ("swh", "sw_KE"), ("yo", None), ("qaa", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_tags_find_their_adapter(tag: str | None, adapter: str | None) -> None:
    """The primary language decides; region and script choose among several."""
    assert adapter_for(tag, ADAPTERS) == adapter


def test_english_is_the_fallback() -> None:
    """Where a network has no English adapter, its first one."""
    assert fallback_among(ADAPTERS[1:] + ADAPTERS[:1]) == "en_XX"
    assert fallback_among(("sw_KE", "th_TH")) == "sw_KE"

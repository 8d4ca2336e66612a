"""mteb's language codes ("swa-Latn") and the harness's BCP 47 tags ("sw")."""

from __future__ import annotations

from collections.abc import Iterable

#: Single languages of a macrolanguage that ISO 639-1 has a code for, as data sets of retrieval name them.
_MACRO = {
    "arb": "ar", "azj": "az", "cmn": "zh", "ekk": "et", "khk": "mn", "lvs": "lv", "npi": "ne", "ory": "or",
    "pes": "fa", "plt": "mg", "swh": "sw", "uzn": "uz", "ydd": "yi", "zsm": "ms",
}  # fmt: skip


def to_tag(code: str) -> str:
    """The BCP 47 tag, without script, of mteb's `code`: "swa-Latn" is "sw", "yor-Latn" is "yo", "bem-Latn" is "bem"."""
    from mteb.languages.iso_mappings import _get_iso1_to_iso3

    short = {three: two for two, three in _get_iso1_to_iso3().items()}
    language = code.partition("-")[0]
    return _MACRO.get(language) or short.get(language, language)


def to_code(tag: str | None) -> str | None:
    """The code mteb has for a BCP 47 tag in its usual script, None for one that mteb does not know."""
    from mteb.languages.iso_mappings import _hf_lang_to_iso_lang_script

    found: str | None = _hf_lang_to_iso_lang_script(tag.partition("-")[0]) if tag else None
    return found


def to_tags(codes: Iterable[str] | None) -> tuple[str, ...] | None:
    """Distinct tags of `codes`, in order; None stays None."""
    return None if codes is None else tuple(dict.fromkeys(to_tag(code) for code in codes))


def to_codes(tags: Iterable[str] | None) -> list[str] | None:
    """The codes mteb has for those of `tags` that it knows; None stays None."""
    if tags is None:
        return None
    return sorted({code for tag in tags if (code := to_code(tag)) is not None})

"""What is known of each language: its tag, its Snowball stemmer, its stop words. Light: nothing heavy is imported."""

from __future__ import annotations

#: Snowball's algorithm for each language it has (PyStemmer 3.1), without the older ones of English and Dutch.
SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

#: Languages whose capital I is that of ı, not that of i.
DOTLESS = frozenset({"tr", "az"})

#: The lists of `bm25s.stopwords`, by language; English is Lucene's list.
STOPWORDS = {
    "da": "STOPWORDS_DANISH", "de": "STOPWORDS_GERMAN", "en": "STOPWORDS_EN", "es": "STOPWORDS_SPANISH",
    "fr": "STOPWORDS_FRENCH", "it": "STOPWORDS_ITALIAN", "ko": "STOPWORDS_KOREAN", "nl": "STOPWORDS_DUTCH",
    "no": "STOPWORDS_NORWEGIAN", "pt": "STOPWORDS_PORTUGUESE", "ru": "STOPWORDS_RUSSIAN", "sv": "STOPWORDS_SWEDISH",
    "tr": "STOPWORDS_TURKISH", "zh": "STOPWORDS_CHINESE",
}  # fmt: skip

#: Three-letter codes (ISO 639-3, as Belebele writes them) and older or narrower tags of the languages above.
_SAME_AS = {
    "ara": "ar", "arb": "ar", "acm": "ar", "apc": "ar", "ars": "ar", "ary": "ar", "arz": "ar", "aze": "az",
    "azj": "az", "cat": "ca", "ces": "cs", "cze": "cs", "cmn": "zh", "dan": "da", "deu": "de", "ger": "de", "ell": "el",
    "gre": "el", "eng": "en", "epo": "eo", "spa": "es", "est": "et", "ekk": "et", "eus": "eu", "baq": "eu", "fas": "fa",
    "per": "fa", "pes": "fa", "prs": "fa", "fin": "fi", "fra": "fr", "fre": "fr", "gle": "ga", "hin": "hi", "hun": "hu",
    "hye": "hy", "arm": "hy", "ind": "id", "in": "id", "ita": "it", "jpn": "ja", "kor": "ko", "lit": "lt", "nep": "ne",
    "npi": "ne", "nld": "nl", "dut": "nl", "nor": "no", "nob": "no", "nno": "no", "nb": "no", "nn": "no", "pol": "pl",
    "por": "pt", "ron": "ro", "rum": "ro", "mo": "ro", "rus": "ru", "srp": "sr", "sot": "st", "swe": "sv", "tam": "ta",
    "tha": "th", "tur": "tr", "yid": "yi", "ydd": "yi", "zho": "zh", "chi": "zh", "lzh": "zh",
}  # fmt: skip


def base(tag: str | None) -> str | None:
    """The language of a BCP 47 tag without script and region: "pt-BR" is "pt", "zho_Hant" is "zh"; None for unknown."""
    if tag is None:
        return None
    language = tag.replace("_", "-").partition("-")[0].casefold()
    return _SAME_AS.get(language, language) or None

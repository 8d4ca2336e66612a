"""The table of languages in the README, from the code: `python -m harness_bm25.table`."""

from __future__ import annotations

from harness_bm25.languages import DOTLESS, SNOWBALL, STOPWORDS

_CUT = {
    "ja": "pairs of characters; `-o ja=fugashi`: MeCab with UniDic",
    "ko": "pairs of characters; `-o ko=kiwi`: Kiwi's morphemes",
    "th": "newmm",
    "zh": "pairs of characters",
}
_HEAD = "| language | words | stems | `-o stopwords=true` |\n|---|---|---|---|\n"


def markdown() -> str:
    """One row for each language that is analysed in its own way, and one for all others."""
    rows = []
    for language in sorted({*SNOWBALL, *_CUT, *DOTLESS}):
        words = _CUT.get(language, "letters, marks, digits")
        if language in DOTLESS:
            words += "; I is ı"
        stems = f"Snowball {SNOWBALL[language]}" if language in SNOWBALL else "no"
        rows.append(f"| {language} | {words} | {stems} | {'yes' if language in STOPWORDS else ''} |\n")
    return _HEAD + "".join(rows) + "| all others | letters, marks, digits | no |  |\n"


if __name__ == "__main__":
    print(markdown(), end="")

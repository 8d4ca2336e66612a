"""What the name of a file says: its kind, and the language of what is in it.

| name | language | because |
|---|---|---|
| `sw.tsv.gz`, `tatoeba/sw.tsv`, `sw.train.tsv` | `sw` | the name begins with it |
| `corpus.sw`, `corpus.en-sw.sw` | `sw` | line-aligned files end with it |
| `WikiMatrix.en-sw.tsv.gz`, `en-sw.tmx` | `sw` | of a pair, the side that is not English |

Any other name is its own label, up to the first dot: languages are compared for equality and for nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

__all__ = ["ENGLISH", "bare_name", "coded_language_of", "language_of", "pair_of", "suffix_of"]

#: The codes that mean English.
ENGLISH = frozenset({"en", "eng"})

_SUFFIXES = (".tsv", ".txt", ".jsonl", ".json", ".tmx")
_CODE = r"[a-z]{2,3}(?:[_-][A-Z][a-z]{3})?(?:[_-](?:[A-Z]{2}|[0-9]{3}))?"
_ONE = re.compile(_CODE)
_PAIR = re.compile(f"({_CODE})-({_CODE})")
#: ISO 639-1: a name of two letters is taken for a language where it is one of these ("nq" is none).
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu".split()
)


def suffix_of(path: Path) -> str:
    """Return the extension below `.gz`, in lower case: `.tsv` for `sw.tsv.gz`."""
    return Path(_unzipped(path)).suffix.lower()


def bare_name(path: Path) -> str:
    """Return the name without `.gz` and without the extension of a known kind: `corpus.sw` for `corpus.sw.txt.gz`."""
    name = _unzipped(path)
    return name[: -len(suffix_of(path))] if suffix_of(path) in _SUFFIXES else name


def pair_of(path: Path) -> tuple[str, str] | None:
    """Return the pair of languages that a name ends with: ("en", "sw") for `WikiMatrix.en-sw.tsv.gz`; or None."""
    match = _PAIR.fullmatch(bare_name(path).rsplit(".", 1)[-1])
    return (match[1], match[2]) if match else None


@lru_cache(maxsize=1024)
def coded_language_of(path: Path) -> str | None:
    """Return the language that a file is named after, or None where its name holds no language code."""
    parts = bare_name(path).split(".")
    aligned = len(parts) > 1 and suffix_of(path) not in _SUFFIXES
    if aligned:
        parts = parts[-1:]
    pair = pair_of(path)
    if pair and (ENGLISH & set(pair)):
        return next((code for code in pair if code not in ENGLISH), pair[0])
    for part in (parts[0], parts[-1]):
        if _ONE.fullmatch(part) and (len(part) != 2 or part in _TWO_LETTERS):
            return part
    return None


@lru_cache(maxsize=1024)
def language_of(path: Path) -> str:
    """Return the language that a file is named after; see the table above."""
    parts = bare_name(path).split(".")
    if code := coded_language_of(path):
        return code
    aligned = len(parts) > 1 and suffix_of(path) not in _SUFFIXES
    return parts[-1] if aligned else parts[0]


def _unzipped(path: Path) -> str:
    """The name without `.gz`."""
    return path.name[:-3] if path.name.lower().endswith(".gz") else path.name

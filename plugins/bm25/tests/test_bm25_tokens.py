"""From texts to tokens: nothing that a language writes is lost, and equal texts have equal tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from harness_bm25 import segment
from harness_bm25.analysis import Analysis
from harness_bm25.languages import SNOWBALL, STOPWORDS, base
from harness_bm25.plugin import Bm25Options
from harness_bm25.text import normalise
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sources.pocket import topics
from harness.tasks.registry import all_tasks

POCKET = "am ar bn de en es fa fi fr ha hi id ig ja ko ru so sw te th yo zh".split()

#: Word and stem, as Snowball's site and its word lists have them.
STEMS = {
    "en": ("knackeries", "knackeri"), "de": ("aufeinanderfolgenden", "aufeinanderfolg"), "es": ("chicas", "chic"),
    "fr": ("continuellement", "continuel"), "it": ("pronunciamenti", "pronunc"), "ru": ("важная", "важн"),
    "sv": ("jaktkarlarne", "jaktkarl"), "pt": ("quilométricas", "quilométr"),
    "no": ("havnedistriktene", "havnedistrikt"),
    "nl": ("opglimpende", "opglimp"), "ro": ("fierului", "fier"), "tr": ("kitaplarından", "kitap"),
    "fi": ("innostuneita", "innostun"), "id": ("membaca", "baca"), "ar": ("المدرسة", "مدرس"), "hi": ("किताबें", "किताब"),
    "el": ("ανθρώπους", "ανθρωπ"), "fa": ("کتابهای", "کتاب"), "ta": ("மரங்கள்", "மரங்"),
}  # fmt: skip


def tokens(text: str, language: str | None = None, **options: Any) -> list[str]:
    """What one text of a language becomes."""
    return Analysis(language, Bm25Options(**options)).tokens(text)


def written(text: str) -> Counter[str]:
    """Every letter and mark of a text in one case, how often."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return Counter(char for char in folded if unicodedata.category(char)[0] in "LM")


def test_marks_are_part_of_words() -> None:
    """Bengali keeps its vowel signs: three words, whole."""
    assert tokens("ঢাকা বাংলাদেশের রাজধানী", "bn") == ["ঢাকা", "বাংলাদেশের", "রাজধানী"]


@pytest.mark.parametrize("language", POCKET)
def test_no_language_loses_a_letter_or_mark(language: str) -> None:
    """Without stems, the tokens of every pocket text hold its letters and marks; pairs hold some twice."""
    analysis = Analysis(language, Bm25Options(stemming=False))
    for topic in topics(language):
        for text in (topic.passage, topic.question, topic.title):
            found = sum((written(token) for token in analysis.tokens(text)), Counter[str]())
            if segment.is_unspaced(text) and language != "th":
                assert found >= written(text) and set(found) == set(written(text)), text
            else:
                assert found == written(text), text


@pytest.mark.parametrize("language", ["en", "tr", "hi", "fa", "ja", "th", None])
@settings(deadline=None)  # the first Thai text reads the dictionary
@given(
    text=st.text(
        st.characters(max_codepoint=0xFFFF) | st.sampled_from("éİı\u0301\u0323\u0307\u09bcकড়가ガﾞか่"), max_size=30
    )
)
def test_equivalent_texts_have_equal_tokens(language: str | None, text: str) -> None:
    """NFC and NFD of a text, composed or not, are the same tokens."""
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert tokens(composed, language) == tokens(decomposed, language) == tokens(text, language)


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from([*POCKET, "tr", "el", "my", "qaa"]))
def test_any_text_has_tokens_of_letters_marks_and_digits(text: str, language: str) -> None:
    """No token is empty or holds a blank, a control or a punctuation character, whatever the text."""
    for token in tokens(text, language, stemming=False):
        # regex may know letters of a newer Unicode, which this Python calls unassigned
        assert token and all(
            unicodedata.category(char)[0] in "LMN" or unicodedata.category(char) == "Cn" for char in token
        )


@pytest.mark.parametrize("language", STEMS)
def test_stems_are_snowballs(language: str) -> None:
    """A word of each language in its published stem; without stemming the word itself."""
    word, stem = STEMS[language]
    assert tokens(word.upper() if language != "tr" else word, language) == [stem]
    assert tokens(word, language, stemming=False) == [normalise(word)]


def test_every_stemmer_of_the_library_is_used() -> None:
    """Each algorithm of PyStemmer belongs to a language here, but for the older ones of English and Dutch."""
    import Stemmer

    assert set(SNOWBALL.values()) == set(Stemmer.algorithms()) - {"porter", "dutch_porter"}


def test_every_list_of_stop_words_is_used() -> None:
    """Each list of bm25s belongs to a language here, but for the long English one."""
    from bm25s import stopwords

    lists = {name for name in dir(stopwords) if name.startswith("STOPWORDS_")}
    assert set(STOPWORDS.values()) == lists - {"STOPWORDS_EN_PLUS"}


@pytest.mark.parametrize("language", ["bn", "te", "sw", "yo", "am", "ha", "ig", "so", "qaa", None])
def test_other_languages_keep_their_words(language: str | None) -> None:
    """Without a stemmer there is the word, in one case."""
    assert tokens("Running Ọ̀yọ́!", language) == ["running", "ọ̀yọ́"]


def test_case_is_folded() -> None:
    """ß is ss and a final ς is σ; İ is i everywhere, and I is ı in Turkish and Azerbaijani alone."""
    assert tokens("Straße STRASSE") == ["strasse", "strasse"]
    assert tokens("ΟΔΟΣ οδος") == ["οδοσ", "οδοσ"]
    assert tokens("İstanbul ISI", "en", stemming=False) == ["istanbul", "isi"]
    assert tokens("İstanbul ISI", "tr", stemming=False) == tokens("istanbul ısı", "az") == ["istanbul", "ısı"]


def test_digits_of_every_script_are_the_same() -> None:
    """Arabic, Persian, Devanagari, Thai and full-width digits."""
    for year in ("1984", "١٩٨٤", "۱۹۸۴", "१९८४", "๑๙๘๔", "１９８４"):
        assert tokens(f"({year})") == ["1984"]


def test_what_shows_nothing_parts_no_word() -> None:
    """Joiners and soft hyphens go; a non-joiner parts Persian endings, and a zero-width space parts words."""
    assert tokens("hy\u00adphen \u200fword\ufeff") == ["hyphen", "word"]
    assert tokens("র\u200d্যা ক\u200cষ", "bn") == ["র্যা", "কষ"]
    assert tokens("می\u200cخواهم", "fa", stemming=False) == ["می", "خواهم"]
    assert tokens("one\u200btwo") == ["one", "two"]


def test_thai_is_cut_by_the_dictionary() -> None:
    """The words of newmm, in a Thai text and inside an English one; Latin words and digits stay whole."""
    assert tokens("แม่น้ำไนล์ไหลไปทางเหนือ NFL 24", "th") == ["nfl", "24", "แม่น้ำ", "ไนล์", "ไหล", "ไป", "ทางเหนือ"]
    assert tokens("The river แม่น้ำไนล์", "en") == ["the", "river", "แม่น้ำ", "ไนล์"]


def test_thai_needs_no_folder_in_the_home(tmp_path: Path) -> None:
    """PyThaiNLP makes one when it is imported; here it does not, and the environment is as it was."""
    code = (
        "import os; from harness_bm25 import segment; print(segment.thai()('แม่น้ำไนล์')); "
        "print(any('PYTHAINLP' in name for name in os.environ))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHAINLP")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["['แม่น้ำ', 'ไนล์']", "False"], done.stderr
    assert not list(tmp_path.iterdir())


def test_pairs_of_characters() -> None:
    """Runs of Han, kana and Hangul in pairs; a character alone stays, and so do Latin words and numbers."""
    assert tokens("尼罗河，在1999年", "zh") == ["1999", "尼罗", "罗河", "在", "年"]
    assert tokens("H2Oのコーヒー", "ja") == ["h2o", "のコ", "コー", "ーヒ", "ヒー"]
    assert tokens("대한민국 서울", "ko") == ["대한", "한민", "민국", "서울"]
    assert tokens("ＡＢＣ ｺｰﾋｰ", "ja") == ["abc", "コー", "ーヒ", "ヒー"]


def test_scripts_decide_and_not_the_language() -> None:
    """A Japanese name in an English text is cut as in a Japanese one."""
    assert tokens("called 東京都", "en") == ["call", "東京", "京都"]
    assert tokens("東京都", None) == tokens("東京都", "ja") == tokens("東京都", "zh") == ["東京", "京都"]


def test_scripts_without_spaces_and_a_dictionary() -> None:
    """Burmese, Khmer and Lao: pairs of clusters, marks with their letters."""
    assert tokens("ວຽງຈັນ", "lo") == ["ວຽ", "ຽງ", "ງຈັ", "ຈັນ"]
    assert all(len(tokens(text)) > 1 for text in ("မြန်မာနိုင်ငံ", "ភ្នំពេញរាជធានី"))


def test_fugashi_gives_words_of_the_dictionary() -> None:
    """UniDic's words, in dictionary form unless stems are off."""
    pytest.importorskip("fugashi")
    assert tokens("東京タワーが建てられた", "ja", ja="fugashi") == ["東京", "タワー", "が", "建てる", "られる", "た"]
    assert tokens("東京タワーが建てられた", "ja", ja="fugashi", stemming=False)[3:] == ["建て", "られ", "た"]
    assert tokens("東京都", "zh", ja="fugashi") == ["東京", "京都"]


def test_kiwi_gives_morphemes() -> None:
    """Nouns come apart from their particles."""
    pytest.importorskip("kiwipiepy")
    assert tokens("대한민국의 수도", "ko", ko="kiwi") == ["대한민국", "의", "수도"]
    assert tokens("서울은", "en", ko="kiwi") == ["서울", "울은"]


def test_stop_words_go_before_stems() -> None:
    """With the option, in languages that have a list; without it they count."""
    assert tokens("This was the house", "en", stopwords=True) == ["hous"]
    assert tokens("This was the house", "en") == ["this", "was", "the", "hous"]
    assert tokens("this was the house", "sw", stopwords=True) == ["this", "was", "the", "house"]


@pytest.mark.parametrize("text", ["", " \t\n", "…!?", "\ud800", "\x00", "🦁👩🏽‍🔬"])
def test_nothing_to_count(text: str) -> None:
    """Texts without letters and digits have no tokens."""
    assert tokens(text, "en") == tokens(text, "th") == []


def test_tags_of_the_benchmarks_are_known() -> None:
    """Region, script and three letters make no difference, and neither does case."""
    assert [base(tag) for tag in ("pt-BR", "zho_Hant", "arb_Arab", "EN", "nob_Latn", "zh-Hans-CN", "", None)] == [
        "pt", "zh", "ar", "en", "no", "zh", None, None
    ]  # fmt: skip
    tags = {
        tag
        for task in all_tasks()
        for subset in task.subsets
        for tag in (subset.query_language, subset.passage_language)
    }
    stemmed = {base(tag) for tag in tags} & set(SNOWBALL)
    assert stemmed == set(SNOWBALL) - {"eo", "ga", "yi"}  # no benchmark has these three


def test_tokens_do_not_depend_on_the_process() -> None:
    """Another seed of Python's hashes, the same tokens and the same scores to the last bit."""
    code = (
        "import json; from harness_bm25 import plugin, searcher\n"
        "s = searcher.Bm25Searcher(plugin.Bm25Options()); s.index(['a b c d e', 'c d e f', 'd e f a'], language='en')\n"
        "p, v = s.search(['a b f e d', 'c f'], 3); print(json.dumps([p.tolist(), v.tolist()]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
        )
        for seed in ("1", "2")
    ]
    assert json.loads(runs[0].stdout) == json.loads(runs[1].stdout)

"""The embedded collection: every text is where, what and in the script it has to be."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from importlib.resources import files
from itertools import chain
from typing import Any

import pytest
import regex

from harness.errors import UsageError
from harness.metrics.words import word_tokenize
from harness.sources.pocket import PocketSource, Topic, distractors, topics
from harness.tasks import task
from harness.tasks.selection import Selected, Selection, select

LANGUAGES = "ar bn de en es fa fi fr hi id ja ko ru sw te th yo zh am ha ig so".split()

#: Letters that the language is written with, and the least share of all letters that they must be: names and units in
#: Latin script occur in every language.
_SCRIPTS = {
    "ar": "Arabic", "fa": "Arabic", "bn": "Bengali", "hi": "Devanagari", "ja": "Han Hiragana Katakana", "ko": "Hangul",
    "ru": "Cyrillic", "te": "Telugu", "th": "Thai", "zh": "Han", "am": "Ethiopic",
}  # fmt: skip
_SHARE, _SHARE_OF_ONE_PASSAGE = 0.97, 0.8

#: Characters that English does not need and a text of forty topics in the language cannot do without.
_TELLTALE = {
    "de": "äöüß", "es": "áéíóñ¿", "fi": "äö", "fr": "éèàç", "yo": "ẹọṣ", "ig": "ịọụ", "ha": "ɗƙ",
    "fa": "پچگی", "ar": "ةي", "hi": "है", "ja": "のは", "zh": "的是",
}  # fmt: skip
_DENSE = ("ja", "ko", "zh")

languages = pytest.mark.parametrize("language", LANGUAGES)


def _raw(name: str) -> list[dict[str, Any]]:
    text = (files("harness.sources.pocket") / "data" / name).read_text("utf-8")
    assert text.endswith("}\n") and "\r" not in text
    return [json.loads(line) for line in text.splitlines()]


def _texts(row: Topic) -> dict[str, str]:
    return {"title": row.title, "passage": row.passage, "question": row.question}


def _all_texts(language: str) -> list[str]:
    found = [text for row in topics(language) for text in _texts(row).values()]
    return found + [text for _, *pair in distractors() for text in pair] if language == "en" else found


def test_files_are_exactly_the_languages() -> None:
    """There is one file for each of the 22 languages, and no other."""
    names = {path.name for path in (files("harness.sources.pocket") / "data" / "topics").iterdir()}
    assert names == {f"{language}.jsonl" for language in LANGUAGES}
    assert len(LANGUAGES) == 22


@languages
def test_keys(language: str) -> None:
    """Every row has exactly its keys, all of them non-empty strings; answers stand with English alone."""
    wanted = {"topic", "title", "passage", "question"} | ({"answers"} if language == "en" else set())
    for row in _raw(f"topics/{language}.jsonl"):
        assert set(row) == wanted
        assert all(isinstance(value, str) and value for key, value in row.items() if key != "answers")


def test_distractor_keys() -> None:
    """Distractors have id, title and passage."""
    assert all(set(row) == {"id", "title", "passage"} and all(row.values()) for row in _raw("distractors.jsonl"))


@languages
def test_forty_topics_in_one_order(language: str) -> None:
    """Every language has the same forty topics in the same order."""
    ids = [row.topic for row in topics(language)]
    assert len(set(ids)) == len(ids) == 40
    assert ids == [row.topic for row in topics("en")]


def test_eighty_distractors() -> None:
    """Eighty distractors, each with an id that neither another distractor nor a topic has."""
    ids = [name for name, _, _ in distractors()]
    assert len(set(ids)) == len(ids) == 80
    assert not set(ids) & {row.topic for row in topics("en")}
    assert all(regex.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in [*ids, *(t.topic for t in topics("en"))])


@languages
def test_unicode_form(language: str) -> None:
    """All text is in NFC and holds no control, private, unassigned or replacement character."""
    for text in _all_texts(language):
        assert unicodedata.is_normalized("NFC", text)
        assert not regex.search(r"[\p{Cc}\p{Co}\p{Cn}\p{Cs}\ufffd\ufeff]", text), text


@languages
def test_white_space(language: str) -> None:
    """No white space at the ends, none doubled, and none but the plain space; French also has its no-break spaces."""
    allowed = " \u00a0\u202f" if language == "fr" else " "
    for text in _all_texts(language):
        assert text == text.strip()
        assert not regex.search(r"\s\s", text), text
        assert set(regex.findall(r"\s", text)) <= set(allowed), text


@languages
def test_no_text_occurs_twice(language: str) -> None:
    """Within a language no title, passage or question is there twice."""
    assert [text for text, count in Counter(_all_texts(language)).items() if count > 1] == []


@languages
def test_script(language: str) -> None:
    """Letters are those of the language's script, in the whole and in every passage."""
    scripts = _SCRIPTS.get(language, "Latin").split()
    own = "[" + "".join(rf"\p{{Script={script}}}" for script in scripts) + "]"
    own = own[:-1] + "ー々]" if language == "ja" else own

    def share(text: str) -> float:
        letters = regex.findall(r"\p{L}", text)
        return sum(bool(regex.match(own, letter)) for letter in letters) / len(letters)

    assert share("".join(_all_texts(language))) >= _SHARE
    worst = min(topics(language), key=lambda row: share(row.passage))
    assert share(worst.passage) >= _SHARE_OF_ONE_PASSAGE, worst.topic


@pytest.mark.parametrize("language", _TELLTALE)
def test_telltale_characters(language: str) -> None:
    """The characters that a language cannot do without are there: no file was swapped or stripped of its marks."""
    text = "".join(_all_texts(language)).lower()
    assert {character for character in _TELLTALE[language] if character not in text} == set()


@languages
def test_lengths(language: str) -> None:
    """Passages are paragraphs, questions are sentences, titles are names."""
    scale = 0.3 if language in _DENSE else 0.6 if language == "am" else 1.0
    for row in topics(language):
        assert 250 * scale <= len(row.passage) <= 600, row.topic
        assert 20 * scale <= len(row.question) <= 130, row.topic
        assert 1 <= len(row.title) <= 60, row.topic
        assert len(row.question) < len(row.passage)


@languages
def test_questions_end_as_questions(language: str) -> None:
    """A question ends with the question mark of its script; Thai, which writes none, with a word."""
    marks = {"ar": "؟", "fa": "؟", "ja": "?？か。", "zh": "？", "am": "?፧"}
    for row in topics(language):
        if language == "th":
            assert regex.fullmatch(r".*[\p{Thai}?]", row.question)
        else:
            assert row.question[-1] in marks.get(language, "?"), row.question


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_nothing_is_left_in_english(language: str) -> None:
    """No passage or question is the English one, nor shares a whole English sentence with it."""
    for own, english in zip(topics(language), topics("en"), strict=True):
        assert own.passage != english.passage and own.question != english.question
        for sentence in english.passage.split(". "):
            assert sentence.rstrip(".") not in own.passage, own.topic


def test_enough_english_for_five_thousand_tokens() -> None:
    """The English passages are more than the 5,000 tokens that R@5kt reads, so that the cut matters."""
    passages = chain((row.passage for row in topics("en")), (passage for _, _, passage in distractors()))
    assert sum(len(word_tokenize(passage)) for passage in passages) > 6_000


def test_answers_occur_where_they_should_and_nowhere_else() -> None:
    """Every answer is found in its own passage by the rule of XOR-Retrieve, and in no other English passage."""
    joined = {row.topic: " ".join(word_tokenize(row.passage)) for row in topics("en")}
    joined |= {name: " ".join(word_tokenize(passage)) for name, _, passage in distractors()}
    for row in topics("en"):
        assert row.answers and set(row.answers).isdisjoint({"yes", "no"})
        for answer in row.answers:
            assert answer == answer.strip() and answer
            assert [name for name, text in joined.items() if answer in text] == [row.topic], answer


def test_answers_are_not_given_away() -> None:
    """No English question holds its own answer."""
    for row in topics("en"):
        assert not [answer for answer in row.answers if answer in row.question], row.topic


#: Family → subsets, split, passages of each corpus by its language.
_SHAPES = {"xor-tydi": (7, "dev"), "mr-tydi": (11, "test"), "miracl": (18, "dev"), "low-resource": (12, "test")}


@pytest.mark.parametrize("family", _SHAPES)
def test_families_load_in_their_own_shape(family: str) -> None:
    """Every subset of each family has forty questions in its language, on 40 passages of its own or 120 in English."""
    source = PocketSource()
    count, split = _SHAPES[family]
    selected = select(source.tasks(), Selection(tasks=(family,)))
    assert len(selected) == count and {item.split for item in selected} == {split}
    for item in selected:
        collection = source.load(item)
        asked = topics(item.subset.query_language)
        assert collection.queries.texts == tuple(row.question for row in asked)
        assert len(collection.corpus) == (120 if item.subset.passage_language == "en" else 40)
        own = topics(item.subset.passage_language)
        assert list(collection.corpus.column("text"))[:40] == [row.passage for row in own]
        assert list(collection.corpus.column("title"))[:40] == [row.title for row in own]
        assert len(set(collection.corpus.column("id"))) == len(collection.corpus)
        passages = set(collection.corpus.column("id"))
        assert {q: list(grades.values()) for q, grades in collection.qrels.items()} == {
            q: [1] for q in collection.queries.ids
        }
        assert all(set(grades) <= passages for grades in collection.qrels.values())
        assert (collection.answers is not None) is (family == "xor-tydi")


def test_judgements_pair_question_and_passage_of_one_topic() -> None:
    """The relevant passage of a question is that of its own topic, in every language."""
    source = PocketSource()
    for item in select(source.tasks(), Selection(tasks=("low-resource",))):
        collection = source.load(item)
        texts = dict(zip(list(collection.corpus.column("id")), collection.corpus.column("text"), strict=True))
        for asked, own in zip(topics(item.subset.query_language), topics(item.subset.passage_language), strict=True):
            (query,) = [
                q
                for q, text in zip(collection.queries.ids, collection.queries.texts, strict=True)
                if text == asked.question
            ]
            assert [texts[passage] for passage in collection.qrels[query]] == [own.passage]


def test_answers_belong_to_the_questions() -> None:
    """XOR's answers stand under the ids of its queries, with the answers of that topic."""
    (item,) = select(PocketSource().tasks(), Selection(tasks=("xor-tydi/te",)))
    collection = PocketSource().load(item)
    assert collection.answers == {
        query: row.answers for query, row in zip(collection.queries.ids, topics("en"), strict=True)
    }


def test_subsets_that_share_a_corpus_share_the_object() -> None:
    """The seven XOR languages search one English corpus, which exists once."""
    loaded = [PocketSource().load(item) for item in select(PocketSource().tasks(), Selection(tasks=("xor-tydi",)))]
    assert len({id(collection.corpus) for collection in loaded}) == 1


def test_pocket_tasks_carry_no_counts_of_the_full_benchmarks() -> None:
    """The embedded MIRACL has 40 passages, so it must not show the millions of the real one."""
    assert all(not t.queries and not t.passages for t in PocketSource().tasks())


def test_task_without_text_is_refused() -> None:
    """A declared task that the collection has no text for is refused by name."""
    belebele = task("belebele")
    with pytest.raises(UsageError, match="no text for task 'belebele'"):
        PocketSource().load(Selected(belebele, belebele.subsets[0], "test"))

"""Evaluation texts are found when they are equal, nearly equal, parts or wholes; other text is left alone."""

from __future__ import annotations

import gzip
import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from harness_lamir.data import contamination
from harness_lamir.data.contamination import MIN_GRAMS, Clash, EvaluationTexts, evaluation_texts
from harness_lamir.data.text import normalise
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError

VARIANTS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    str.title,
    str.casefold,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: text.replace(" ", "\u3000 \t"),
    lambda text: f" \n{text}\u00a0",
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),  # full width
]


def index(*texts: str, near: float | None = 0.8) -> EvaluationTexts:
    """An index of texts whose places are their numbers."""
    return EvaluationTexts(((str(number), (text,)) for number, text in enumerate(texts)), near)


def words(rng: Random, count: int) -> list[str]:
    """Random words, next to no two alike."""
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(count)]


@given(st.lists(st.text(), min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_equal_texts_are_always_found(texts: list[str], data: st.DataObject) -> None:
    """Whatever is equal after NFKC, case and spacing are folded is found, and called equal; of two places the first."""
    number = data.draw(st.integers(0, len(texts) - 1))
    variant = data.draw(st.sampled_from(VARIANTS))(texts[number])
    normal = [normalise(text) for text in texts]
    assume(normalise(variant) == normal[number] != "")
    for near in (0.8, None):
        (clash,) = index(*texts, near=near).find([variant])
        assert clash == Clash(str(normal.index(normal[number])), 1.0, near=False)


@given(st.integers(0, 2**32), st.integers(30, 80), st.sampled_from(["words", "han", "thai"]))
@settings(deadline=None, max_examples=60)
def test_near_duplicates_are_found(seed: int, length: int, script: str) -> None:
    """One word in thirty or more, or one character in ninety or more, is changed: still 0.8 of the n-grams agree."""
    rng = Random(seed)
    units, glue = words(rng, length), " "
    if script != "words":
        letters = [chr(c) for c in (range(0x4E00, 0x9000) if script == "han" else range(0x0E01, 0x0E2F))]
        units, glue = rng.choices(letters, k=3 * length), ""
    changed = units.copy()
    changed[rng.randrange(len(units))] = "zz" if script == "words" else "龍"
    (clash,) = index("another text altogether", glue.join(units)).find([glue.join(changed)])
    assert clash is not None and clash.near and clash.place == "1"
    n, lost = (5, 5) if script == "words" else (13, 13)
    assert 1 - lost / (len(units) - n + 1) - 1e-9 <= clash.share < 1


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_parts_and_wholes_are_found(seed: int) -> None:
    """A sentence of an evaluation passage, and a passage that contains an evaluation question, from eight words on."""
    rng = Random(seed)
    passage, question, around = words(rng, 120), words(rng, rng.randint(8, 15)), words(rng, 100)
    start = rng.randrange(100)
    evaluation = index(" ".join(passage), " ".join(question))
    part, whole, short, neither = evaluation.find(
        [
            " ".join(passage[start : start + rng.randint(8, 20)]),
            ", ".join([*around[:40], *question, *around[40:]]),
            " ".join(passage[start : start + 7]),
            " ".join(around),
        ]
    )
    assert part == Clash("0", 1.0, near=True)
    assert whole == Clash("1", 1.0, near=True)
    assert short is None and neither is None


@pytest.mark.parametrize(("near", "found"), [(0.5, True), (0.7, False), (None, False)])
def test_the_share_is_the_recipes(near: float | None, found: bool) -> None:
    """Of 24 words the last 8 differ: 12 of 20 n-grams, 0.6."""
    rng = Random(1)
    start = words(rng, 16)
    evaluation = index(" ".join(start + words(rng, 8)), near=near)
    (clash,) = evaluation.find([" ".join(start + words(rng, 8))])
    assert (clash is not None) == found
    if clash is not None:
        assert clash.share == pytest.approx(0.6)


def test_shares_are_of_one_text() -> None:
    """Halves of two evaluation texts put together are near to neither; of two near texts the nearer is named."""
    rng = Random(2)
    left, right = words(rng, 40), words(rng, 40)
    evaluation = index(" ".join(left), " ".join([*right[:36], *words(rng, 4)]), " ".join(right))
    mixed, whole = evaluation.find([" ".join(left[:20] + right[20:]), " ".join(right[:39])])
    assert mixed is None
    assert whole == Clash("2", 1.0, near=True)


def test_ngrams_of_everybody_are_looked_up_in_some_texts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phrase of more evaluation texts than the limit costs no more than the limit, and is found in one of them."""
    monkeypatch.setattr(contamination, "_COMMON", 3)
    phrase = " ".join(words(Random(3), 9))
    evaluation = index(*(f"{phrase} {number}" for number in range(50)))
    (clash,) = evaluation.find([phrase])
    assert clash == Clash("0", 1.0, near=True)


def test_many_texts_are_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are worked through in chunks; a chunk of one long text too."""
    monkeypatch.setattr(contamination, "_CHUNK", 200)
    rng = Random(4)
    known = [" ".join(words(rng, rng.randint(8, 60))) for _ in range(40)]
    evaluation = index(*known)
    asked = [f"{text} more" if rng.random() < 0.5 else " ".join(words(rng, 30)) for text in known]
    for number, (text, clash) in enumerate(zip(asked, evaluation.find(asked), strict=True)):
        assert (clash is not None and clash.place) == (str(number) if text.startswith(known[number]) else False)


@pytest.mark.parametrize("near", [0.8, None])
def test_nothing_to_compare_with(near: float | None) -> None:
    """No evaluation texts, blank ones, no training texts: nothing is found."""
    empty = index("", "  ", near=near)
    assert len(empty) == 0
    assert empty.find(["", "a text of some more words than eight of them"]) == [None, None]
    assert index("a text", near=near).find([]) == []


def test_a_folder_is_read_in_all_its_layouts(tmp_path: Path) -> None:
    """BEIR files, topics and official JSON lines are read, gzipped or not; judgements and notes are passed over."""
    folder = tmp_path / "sets" / "eval"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": "1", "title": "A title", "text": "the text"}, {"_id": "2", "contents": "its contents"}]
    with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text('{"question": "Who?", "answers": []}\n\n{"query": "When?"}\n')
    (folder / "topics.sw.dev.tsv").write_text("query_id\tquery\n7\tWapi?\n")
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n7\t1\t1\n")
    (folder / "README.txt").write_text("not\ta topic")
    found = list(evaluation_texts(folder))
    assert [(place, tuple(map(normalise, forms))) for place, forms in found] == [
        ("eval/corpus.jsonl.gz:1", ("the text", "a title the text")),
        ("eval/corpus.jsonl.gz:2", ("its contents",)),
        ("eval/queries.jsonl:1", ("who?",)),
        ("eval/queries.jsonl:3", ("when?",)),
        ("eval/topics.sw.dev.tsv:2", ("wapi?",)),
    ]
    evaluation = EvaluationTexts(iter(found), None)
    assert len(evaluation) == 5
    title, bare, judgement = evaluation.find(["a TITLE the text", "The text", "not a topic"])
    assert title == bare == Clash("eval/corpus.jsonl.gz:1", 1.0, near=False)
    assert judgement is None


def test_folders_without_texts_and_broken_lines_are_refused(tmp_path: Path) -> None:
    """A folder that keeps nothing apart is a mistake; so is a line that is no JSON."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UsageError, match="no evaluation texts"):
        list(evaluation_texts(tmp_path))
    (tmp_path / "queries.jsonl").write_text('{"text": "a"}\n{"text": \n')
    with pytest.raises(UsageError, match=r"queries\.jsonl:2"):
        list(evaluation_texts(tmp_path))


def _columns(path: Path) -> list[str]:
    """All cells of a gzipped TSV."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [cell for line in stream for cell in line.rstrip("\n").split("\t")]


def test_real_text_is_rarely_flagged_and_quickly(real_data: Path) -> None:
    """Tatoeba and TICO-19 have nothing to do with XQuAD: at most one text in 20,000 is flagged, at 0.1 ms each."""
    evaluation = EvaluationTexts(evaluation_texts(real_data / "retrieval" / "xquad"), 0.8)
    folders = (real_data / "parallel" / name for name in ("tatoeba", "tico19"))
    texts = [text for folder in folders for path in sorted(folder.glob("*.gz"))[::6] for text in _columns(path)]
    started = time.perf_counter()
    flagged = sum(clash is not None for clash in evaluation.find(texts))
    assert len(texts) > 40_000
    assert flagged <= len(texts) / 20_000
    assert time.perf_counter() - started < len(texts) * 1e-4


def test_evaluation_data_is_found_in_itself(real_data: Path) -> None:
    """Every XQuAD text equals one; without its last tenth, nearly every one that is long enough is near to one."""
    folders = [real_data / "retrieval" / "xquad" / code for code in ("en", "ar", "hi", "ru", "th", "tr", "vi", "zh")]
    texts = [text for folder in folders for _, (text, *_) in evaluation_texts(folder)]
    evaluation = index(*texts)
    assert all(clash is not None and not clash.near for clash in evaluation.find(texts))
    cut = [text for text in (text[: len(text) * 9 // 10] for text in texts) if len(text) > 100]
    found = evaluation.find(cut)
    assert len(cut) > 1000
    assert sum(clash is not None and clash.near for clash in found) > 0.99 * len(cut)


def test_shortest_text_with_ngrams_enough() -> None:
    """Eight words have as many n-grams as a near duplicate needs, and repeated n-grams count once."""
    assert MIN_GRAMS == 4
    evaluation = index(" ".join(f"w{n}" for n in range(40)), "again and again " * 20)
    eight, seven, repeated = evaluation.find(
        [" ".join(f"w{n}" for n in range(8)), " ".join(f"w{n}" for n in range(7)), "again and again " * 10]
    )
    assert eight is not None and seven is None and repeated is None

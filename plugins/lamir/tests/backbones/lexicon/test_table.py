"""The lexicon: built of translations, borrowed from neighbours, and kept in files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random

import numpy as np
import pytest
from harness_lamir.backbones.lexicon.table import Lexicon, build_lexicon, english_stems
from harness_lamir.data.rows import Translation
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from harness.errors import UsageError

NOUNS = ["water", "stone", "river", "mountain", "bridge", "garden", "winter", "silver", "market", "window", "teacher"]


def cipher(word: str, shift: int) -> str:
    """Return a word of a made-up language."""
    return "".join(chr((ord(letter) - 97 + shift) % 26 + 97) for letter in word)


def made_up(seed: int = 0) -> list[Translation]:
    """Return sentences in two made-up languages, whose words stand in another order than the English ones."""
    rng = Random(seed)
    rows = []
    for language, shift in (("xa", 5), ("xb", 11)):
        for _ in range(150):
            words = [rng.choice(NOUNS) for _ in range(4)]
            rows.append(
                Translation(" ".join(words), " ".join(cipher(word, shift) for word in reversed(words)), language)
            )
    return rows


def spelt(lexicon: Lexicon, word: str) -> dict[str, float]:
    """Return a word's mixture by the names of stems."""
    members, weights = lexicon.mixture(word)
    return {lexicon.stems[member]: float(weight) for member, weight in zip(members, weights, strict=True)}


def listed(entries: dict[str, dict[str, float]]) -> Lexicon:
    """Return a lexicon of these mixtures."""
    stems = sorted({stem for entry in entries.values() for stem in entry})
    words = sorted(entries)
    members = [stems.index(stem) for word in words for stem in entries[word]]
    weights = [weight for word in words for weight in entries[word].values()]
    starts = np.cumsum([0, *(len(entries[word]) for word in words)])
    return Lexicon(words, stems, starts, np.array(members, np.int64), np.array(weights, np.float32))


@pytest.fixture(scope="module")
def built() -> tuple[Lexicon, np.ndarray]:
    """Return the lexicon of the made-up languages."""
    return build_lexicon(made_up(), ["the bridges and windows of a teacher"], max_stems=100)


def test_translations_are_found(built: tuple[Lexicon, np.ndarray]) -> None:
    """Every word of both languages is, for the most part, the English word it was made from."""
    lexicon, _ = built
    for word in NOUNS:
        for shift in (5, 11):
            entry = spelt(lexicon, cipher(word, shift))
            assert max(entry, key=lambda stem: entry[stem]) == word and entry[word] > 0.9
        assert spelt(lexicon, word) == {word: 1.0}
    assert spelt(lexicon, "bridges") == {"bridge": 1.0}


def test_frequent_stems_come_first(built: tuple[Lexicon, np.ndarray]) -> None:
    """Numbers follow document frequency, and idf is log((n + 1) / (df + 1)) over distinct English texts."""
    lexicon, idf = built
    assert (np.diff(idf) >= 0).all() and len(idf) == len(lexicon.stems)
    texts = {row.english for row in made_up()} | {"the bridges and windows of a teacher"}
    frequency = sum("river" in text for text in texts)
    assert idf[lexicon.stems.index("river")] == pytest.approx(np.log((len(texts) + 1) / (frequency + 1)))


def test_limits_are_kept() -> None:
    """No more stems and members than asked for, no smaller weights; mixtures add up to 1."""
    rng = Random(1)
    rows = [Translation(" ".join(rng.choices(NOUNS, k=2)), rng.choice("abcdef") * 4, "xa") for _ in range(80)]
    lexicon, idf = build_lexicon(rows, [], max_stems=8, max_members=3, least=0.1)
    assert len(lexicon.stems) == len(idf) == 8
    for word in lexicon.words:
        members, weights = lexicon.mixture(word)
        assert 1 <= len(members) <= 3 and members.max() < 8
        assert weights.sum() == pytest.approx(1, abs=2e-3) and weights.min() >= 0.1 - 1e-3
    assert any(len(lexicon.mixture(word)[0]) > 1 for word in lexicon.words)


def test_unspaced_words_are_learnt() -> None:
    """Entries of a dictionary are what runs are cut into; Thai letters by themselves are no words."""
    rows = [
        Translation("Tokyo", "東京", "ja"),
        Translation("Tokyo tower", "東京タワー", "ja"),
        Translation("hello", "สวัสดี", "th"),
    ]
    lexicon, _ = build_lexicon(rows * 3, [], max_stems=50)
    assert lexicon.segment("東京สวัสดีกข") == ["東京", "สวัสดี", "กข"]
    assert max(spelt(lexicon, "東京"), key=spelt(lexicon, "東京").__getitem__) == "tokyo"


def test_a_spelling_of_two_languages_has_both_meanings() -> None:
    """An English meaning counts more than a foreign one of the same spelling."""
    rows = [Translation("the die", "xx yy", "xa")] * 9 + [Translation("the", "die", "de")] * 9
    lexicon, _ = build_lexicon(rows, ["die die die"], max_stems=10)
    entry = spelt(lexicon, "die")
    assert set(entry) == {"die", "the"} and entry["die"] > entry["the"]


def test_unknown_words_borrow_from_neighbours() -> None:
    """Of the longest common beginning; or from what is left without a short prefix. Numbers borrow nothing."""
    lexicon = listed(
        {"flussbett": {"bed": 0.5, "river": 0.5}, "flussufer": {"bank": 0.5, "river": 0.5}, "flut": {"flood": 1.0},
         "1970": {"year": 1.0}}
    )  # fmt: skip
    assert spelt(lexicon, "flussbetten") == {"bed": 0.5, "river": 0.5}
    assert spelt(lexicon, "flusslauf") == {"river": 0.5, "bank": 0.25, "bed": 0.25}
    assert spelt(lexicon, "fluten") == {"flood": 1.0}
    assert spelt(lexicon, "alflut") == {"flood": 1.0}
    for word in ("1971", "197", "flut2", "xyz", "f", "", "٣"):
        assert spelt(lexicon, word) == {}
    assert spelt(lexicon, "1970") == {"year": 1.0}


ENTRIES = st.dictionaries(
    st.text("abc1é東ส\U0010fffd", min_size=1, max_size=6),
    st.dictionaries(st.sampled_from("uvwxyz"), st.integers(1, 9), min_size=1, max_size=4),
    max_size=12,
)


@given(ENTRIES, st.lists(st.text("abc1é東ส", max_size=9), max_size=5))
def test_listed_words_find_themselves_and_others_a_mixture(
    entries: dict[str, dict[str, int]], others: list[str]
) -> None:
    """A word's own entry as it is; a borrowed one is positive, adds up to 1, and has no stem twice."""
    shares = {word: {s: n / sum(entry.values()) for s, n in entry.items()} for word, entry in entries.items()}
    lexicon = listed(shares)
    for word, entry in shares.items():
        assert spelt(lexicon, word) == pytest.approx(entry)
    for word in others:
        members, weights = lexicon.mixture(word)
        assert len(set(members.tolist())) == len(members) == len(weights)
        assert not len(weights) or (weights.sum() == pytest.approx(1) and (weights > 0).all())


@settings(max_examples=50)
@given(ENTRIES.filter(bool), st.text("abcé東ส", min_size=1, max_size=9))
def test_borrowing_is_the_mean_of_neighbours(entries: dict[str, dict[str, int]], word: str) -> None:
    """Against a scan of all words: the mean over those of the longest common beginning, 8 characters to 3."""
    shares = {w: {s: n / sum(entry.values()) for s, n in entry.items()} for w, entry in entries.items()}
    lexicon = listed(shares)
    if word in shares or any(len(word) - n >= 4 and word[n:] in shares for n in (1, 2, 3)):
        return
    expected: dict[str, float] = {}
    for length in range(min(8, len(word) - 1), 2, -1):
        near = [w for w in shares if w.startswith(word[:length])]
        if near:
            mean = {s: sum(shares[w].get(s, 0.0) for w in near) / len(near) for w in near for s in shares[w]}
            kept = {s: n for s, n in mean.items() if n > 0.1 + 1e-6}
            if any(abs(n - 0.1) < 1e-6 for n in mean.values()) or not kept:
                return  # on the threshold, rounding decides
            expected = {s: n / sum(kept.values()) for s, n in kept.items()}
            break
    assert spelt(lexicon, word) == pytest.approx(expected, abs=1e-6)


def test_a_round_trip(built: tuple[Lexicon, np.ndarray], tmp_path: Path) -> None:
    """Files hold the same lexicon, and the same bytes when it is saved again; a copy is the same object."""
    lexicon, _ = built
    lexicon.save(tmp_path)
    loaded = Lexicon.load(tmp_path)
    assert (loaded.words, loaded.stems) == (lexicon.words, lexicon.stems)
    for word in [*lexicon.words, "bridgehead", "zzz"]:
        for one, other in zip(loaded.mixture(word), lexicon.mixture(word), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    loaded.save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert deepcopy(lexicon) is lexicon and len(lexicon) == len(lexicon.words)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-12])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))


def _lines(change: Callable[[list[bytes]], Sequence[bytes]]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(gzip.compress(b"".join(change(gzip.decompress(path.read_bytes()).splitlines(keepends=True)))))

    return damage


def _array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        arrays = load_file(path)
        save_file({**arrays, name: change(arrays[name])}, path)

    return damage


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("words.txt.gz", Path.unlink, "cannot be read"),
        ("words.txt.gz", _cut, "cannot be read"),
        ("words.txt.gz", _flip, "cannot be read"),
        ("stems.txt.gz", lambda path: path.write_bytes(b"no gzip"), "cannot be read"),
        ("stems.txt.gz", lambda path: path.write_bytes(gzip.compress(b"\xff\xfe\n")), "cannot be read"),
        ("lexicon.safetensors", Path.unlink, "cannot be read"),
        ("lexicon.safetensors", _cut, "cannot be read"),
        ("lexicon.safetensors", lambda path: save_file({"lengths": np.zeros(1, np.uint8)}, path), "cannot be read"),
        ("words.txt.gz", _lines(lambda lines: lines[1:]), "do not fit each other"),
        ("words.txt.gz", _lines(lambda lines: lines[::-1]), "not in order"),
        ("words.txt.gz", _lines(lambda lines: [lines[0], *lines[:-1]]), "comes twice"),
        ("stems.txt.gz", _lines(lambda lines: lines[:2]), "do not fit each other"),
        ("lexicon.safetensors", _array("weights", lambda values: values[1:].copy()), "do not fit each other"),
        ("lexicon.safetensors", _array("stems", lambda values: values.astype(np.float32)), "other types"),
    ],
)  # fmt: skip
def test_broken_folders_are_told(
    built: tuple[Lexicon, np.ndarray], tmp_path: Path, name: str, damage: Callable[[Path], None], message: str
) -> None:
    """A file that is missing, damaged, or of another run is named."""
    built[0].save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(UsageError, match=message):
        Lexicon.load(tmp_path)


def test_nothing_to_build_of_is_told() -> None:
    """No translation, or no English word; a language without words is no error."""
    with pytest.raises(UsageError, match="no stream of kind parallel"):
        build_lexicon([], ["text"], max_stems=10)
    with pytest.raises(UsageError, match="hold no word"):
        build_lexicon([Translation("…", "река", "ru")], [], max_stems=10)
    lexicon, _ = build_lexicon([Translation("the river", "!?", "xa")], [], max_stems=10)
    assert lexicon.words == ["river", "the"]


def test_english_stems() -> None:
    """Snowball's stems of folded words."""
    assert english_stems("The Cities, running!") == ["the", "citi", "run"]

"""Searcher and reranker as a whole: a corpus on the disk, ties, memory, and what one is told by the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_late_interaction.encoding import TokenEncoder
from harness_late_interaction.plugin import LateInteractionOptions
from harness_late_interaction.reranker import MaxSimReranker
from harness_late_interaction.searcher import LateInteractionSearcher
from harness_late_interaction.storage import TokenFile
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.errors import HarnessError, UsageError

Builder = Callable[..., Path]
QUERIES = ["Which river flows north?", "bicycle wheels", "", "Which river flows north?"]


def options(folder: Path, **changes: Any) -> LateInteractionOptions:
    """Options for the CPU."""
    return LateInteractionOptions(model=str(folder), device="cpu", **changes)


def brute_force(folder: Path, queries: list[str], passages: list[str], **changes: Any) -> Any:
    """MaxSim (q, p) of all pairs in float64, of vectors encoded one text at a time."""
    encoder = TokenEncoder(options(folder, batch_tokens=1, **changes))

    def vectors(text: str, role: Any) -> Any:
        return next(encoder.vectors(encoder.rows([text], role), encoder.adapter(role, None)))[1].astype(np.float64)

    held = [vectors(text, "passage") for text in passages]
    return np.array([[(vectors(q, "query") @ d.T).max(axis=1).sum() for d in held] for q in queries])


def grid(positions: Any, scores: Any, passages: int) -> Any:
    """Scores by passage."""
    out = np.full((len(positions), passages), np.nan)
    for row, (where, values) in enumerate(zip(positions, scores, strict=True)):
        out[row, where[where >= 0]] = values[where >= 0]
    return out


@pytest.mark.parametrize("kind", ["bert_colbert", "xmod_colbert", "pylate"])
def test_scores_are_the_formula_in_every_format(
    kind: str, request: pytest.FixtureRequest, sentences: tuple[str, ...]
) -> None:
    """Searcher and reranker give what a loop over texts encoded alone gives, to 1e-5."""
    folder: Path = request.getfixturevalue(kind)()
    passages = [*sentences, "", sentences[0]]
    wanted = brute_force(folder, QUERIES, passages)
    searcher = LateInteractionSearcher(options(folder))
    searcher.index(passages)
    found = grid(*searcher.search(QUERIES, len(passages)), len(passages))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    pairs = [(query, passage) for query in QUERIES for passage in passages]
    reranked = MaxSimReranker(options(folder)).score(pairs)
    np.testing.assert_allclose(reranked.reshape(wanted.shape), wanted, atol=1e-5)
    np.testing.assert_allclose(reranked.reshape(wanted.shape), found, atol=1e-5)


def test_half_precision_moves_both_alike(pylate: Builder, sentences: tuple[str, ...]) -> None:
    """storage=float16 costs three digits, and the reranker rounds as the searcher does."""
    folder, passages = pylate(), [*sentences]
    searcher = LateInteractionSearcher(options(folder, storage="float16"))
    searcher.index(passages)
    found = grid(*searcher.search(QUERIES, len(passages)), len(passages))
    moved = np.abs(found - brute_force(folder, QUERIES, passages)).max()
    assert 1e-6 < moved < 2e-2
    pairs = [(query, passage) for query in QUERIES for passage in passages]
    reranked = MaxSimReranker(options(folder, storage="float16")).score(pairs)
    np.testing.assert_allclose(reranked.reshape(found.shape), found, atol=1e-5)


def test_equal_texts_tie_wherever_they_stand(minilm: Path) -> None:
    """Copies have one score and follow one another by position, and none is lost at the cut."""
    passages = [f"passage number {i} about {'tea' if i % 3 else 'rivers'}" for i in range(40)]
    passages[5] = passages[17] = passages[39] = "The Nile flows north."
    searcher = LateInteractionSearcher(options(minilm))
    searcher.index(passages)
    positions, scores = searcher.search(QUERIES, 5)
    assert positions[0, :3].tolist() == [5, 17, 39]
    assert len(set(scores[0, :3].tolist())) == 1
    np.testing.assert_array_equal(positions[0], positions[3])
    assert searcher.search(QUERIES, 2)[0][0].tolist() == [5, 17]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.text(max_size=30), max_size=3), st.integers(0, 9))
def test_any_text_is_searched(plain: LateInteractionSearcher, passages: list[str], queries: list[str], k: int) -> None:
    """Every passage is found once, best first, −1 after the last."""
    plain.index(passages)
    positions, scores = plain.search(queries, k)
    assert positions.shape == scores.shape == (len(queries), k)
    n = min(k, len(passages))
    for row, values in zip(positions, scores, strict=True):
        assert len(set(row[:n].tolist())) == n and (row[:n] >= 0).all() and (row[n:] == -1).all()
        assert (np.diff(values[:n]) <= 0).all()


@pytest.fixture(scope="module")
def plain(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> LateInteractionSearcher:
    """A searcher over real weights."""
    return LateInteractionSearcher(options(minilm, scratch=str(tmp_path_factory.mktemp("scratch"))))


def test_a_small_memory_gives_the_same(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few passages and of one query rank as one block does, with the very same scores."""
    words = ["river", "bicycle", "tea", "museum", "glacier", "bread", "copper", "football", "north", "wheel"]
    passages = [" ".join(np.random.default_rng(i).choice(words, 3 + i % 9)) for i in range(300)]
    searcher = LateInteractionSearcher(options(minilm))
    searcher.index(passages)
    whole = searcher.search(words, 20)
    blocks = []
    real = TokenFile.blocks

    def counted(file: TokenFile, most: int) -> Any:
        for block in real(file, most):
            blocks.append(block[1].vectors.nbytes)
            yield block

    monkeypatch.setattr(TokenFile, "blocks", counted)
    monkeypatch.setattr(searcher, "_share", 1 << 16)
    again = searcher.search(words, 20)
    np.testing.assert_array_equal(whole[0], again[0])
    np.testing.assert_allclose(whole[1], again[1], atol=1e-5)
    assert len(blocks) > 50 and max(blocks) <= 1 << 16


def test_vectors_lie_below_the_cache_and_leave_nothing(minilm: Path, scratch: Path) -> None:
    """The file is written where the cache is, as large as its vectors, and gone when the searcher is closed."""
    searcher = LateInteractionSearcher(options(minilm, storage="float16"))
    searcher.index(["The Nile flows north.", "Mars"])
    assert (scratch / "late-interaction").is_dir()
    assert searcher._file is not None
    rows = sum(len(block.vectors) for _, block in searcher._file.blocks(10**6))
    assert searcher._file.bytes == rows * 384 * 2
    searcher.close()
    assert not list((scratch / "late-interaction").iterdir())
    assert (searcher.search(["Mars"], 3)[0] == -1).all()


def test_a_corpus_is_encoded_once(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks with one corpus for many languages index it again and again; other passages are encoded anew."""
    searcher = LateInteractionSearcher(options(minilm))
    calls: list[int] = []
    real = TokenEncoder._forward
    monkeypatch.setattr(TokenEncoder, "_forward", lambda *args: calls.append(len(args[1])) or real(*args))
    searcher.index(["one", "two", "one"])
    assert sum(calls) == 2
    searcher.index(["one", "two", "one"])
    assert sum(calls) == 2
    searcher.index(["two", "one", "one"])
    assert sum(calls) == 4


def test_a_corpus_in_another_language_is_encoded_anew(xmod_colbert: Builder) -> None:
    """The same passages through another adapter have other scores."""
    searcher = LateInteractionSearcher(options(xmod_colbert()))
    scores = []
    for language in ("en", "sw", "en"):
        searcher.index(["The Nile flows north.", "Mars"], language=language)
        scores.append(searcher.search(["Mars"], 2, language="en")[1])
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
    np.testing.assert_array_equal(scores[0], scores[2])


def test_the_reranker_takes_languages_from_the_run_or_from_its_options(xmod_colbert: Builder) -> None:
    """Told by either, it agrees with a searcher that the run told; what one adapter gave is not kept for another."""
    folder, passages = xmod_colbert(), ["Mto Nile unatiririka kaskazini.", "Mars"]
    searcher = LateInteractionSearcher(options(folder))
    searcher.index(passages, language="sw")
    found = grid(*searcher.search(["Nile"], 2, language="en"), 2)
    pairs = [("Nile", text) for text in passages]
    fixed = MaxSimReranker(options(folder, passage_language="sw"))
    np.testing.assert_allclose(fixed.score(pairs, query_language="en", passage_language="th"), found[0], atol=1e-5)
    told = MaxSimReranker(options(folder))
    assert np.abs(told.score(pairs, query_language="en", passage_language="en") - found[0]).max() > 1e-3
    np.testing.assert_allclose(told.score(pairs, query_language="en", passage_language="sw"), found[0], atol=1e-5)


def test_the_reranker_keeps_vectors_within_its_memory(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passages seen before are not encoded again; more than fits is let go, and scores stay the same."""
    calls: list[int] = []
    real = TokenEncoder._forward
    monkeypatch.setattr(TokenEncoder, "_forward", lambda *args: calls.append(len(args[1])) or real(*args))
    pairs = [(query, f"passage {i}") for query in ("one", "two") for i in range(30)]
    large = MaxSimReranker(options(minilm))
    first = large.score(pairs)
    encoded = sum(calls)
    assert encoded == 32
    np.testing.assert_array_equal(large.score(pairs), first)
    assert sum(calls) == encoded
    small = MaxSimReranker(options(minilm))
    for kept in small._kept.values():
        kept._most = 20_000
    monkeypatch.setattr(small, "_share", 20_000)
    np.testing.assert_allclose(small.score(pairs), first, atol=1e-5)
    assert all(kept._size <= 20_000 for kept in small._kept.values())


def test_a_full_disk_is_told(minilm: Path, tmp_path: Path) -> None:
    """A place that cannot be written names the option that helps."""
    (tmp_path / "file").write_text("no folder")
    searcher = LateInteractionSearcher(options(minilm, scratch=str(tmp_path / "file")))
    with pytest.raises(HarnessError, match=r"token vectors cannot be kept.*\n.*scratch="):
        searcher.index(["Mars"])


def test_the_engine_runs_it(minilm: Path, tmp_path: Path) -> None:
    """A whole run on the embedded collection, with a result."""
    evaluation = harness.evaluate(
        "late-interaction",
        options={"model": str(minilm), "device": "cpu", "passage_length": 64},
        select=harness.Selection(tasks=("miracl/sw",)),
        settings=harness.Settings(output=tmp_path / "results"),
    )
    assert not evaluation.failed
    assert evaluation.encoder.kind == "searcher"
    assert evaluation.outcomes[0].result.metrics["ndcg@10"] > 0


def test_a_reranker_does_not_run_alone(minilm: Path) -> None:
    """`maxsim` is a reranker, and says so."""
    with pytest.raises(UsageError, match="is a reranker"):
        harness.load_encoder("maxsim", {"model": str(minilm)})

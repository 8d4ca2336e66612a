"""The trainer: three streams of text, three losses, one step at a time.

1. Read and check everything (`corpus`); nothing below can fail on bad input.
2. Hold some translations out, to measure by.
3. Learn the vocabulary from texts drawn as training will draw them, and start the weights at the
   inverse document frequencies found in them.
4. At every step draw a batch from each stream, encode all its texts in one go, add up the losses
   (Hu et al., Findings of ACL 2023; see `losses`), and let Adam move the embeddings.
5. Measure, and write the folder: beside its final place first, then renamed onto it.

The seed, the recipe, the data and the versions of torch and tokenizers decide every byte of the
outcome.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.errors import HarnessError, UsageError
from harness_lamir.card import model_card
from harness_lamir.corpus import Corpora, load_corpora
from harness_lamir.features import FeatureConfig, FeatureExtractor
from harness_lamir.losses import info_nce, language_loss, semantic_loss, total_loss
from harness_lamir.model import LamirConfig, LamirModel, no_progress_bars
from harness_lamir.recipe import Model, Recipe

__all__ = ["HeldOut", "Outcome", "Step", "build_model", "encode", "train", "translation_accuracy"]


@dataclass(frozen=True, slots=True)
class Step:
    """The losses of a step, each the unweighted mean over its batch; 0 for one that is off."""

    number: int
    ir: float
    semantic: float
    language: float
    total: float


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Share of held-out sentences whose nearest neighbour is their translation, both directions."""

    pairs: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: the folder that was written, its last step, and what it achieved."""

    folder: Path
    last: Step
    heldout: HeldOut | None


def train(
    recipe: Recipe,
    data: Path,
    output: Path,
    *,
    command: str,
    overwrite: bool = False,
    on_stage: Callable[[str], None] = lambda _: None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Outcome:
    """Train a model and write it to a folder.

    Args:
        recipe: what to do.
        data: the folder that the recipe's paths start from.
        output: the folder to write: weights, configuration, vocabulary, recipe and model card.
        command: what the user typed, for the model card.
        overwrite: replace a folder that exists and is not empty.
        on_stage: called with a few words at the start of each stage.
        on_step: called after each optimiser step.

    Raises:
        UsageError: the data or the output folder cannot be used; nothing was trained.
        HarnessError: the loss ceased to be finite.
    """
    _check_output(output, overwrite)
    on_stage("reading the training text")
    corpora = load_corpora(recipe, data)
    rng = Random(recipe.seed)
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        try:
            heldout = []
            if recipe.heldout_pairs and corpora.parallel is not None:
                heldout = corpora.parallel.hold_out(rng, recipe.heldout_pairs)
            on_stage("learning the vocabulary")
            extractor, model = build_model(recipe, corpora, rng)
            before = translation_accuracy(model, extractor, heldout)
            on_stage("training")
            last = _optimise(recipe, corpora, extractor, model, rng, on_step)
            model = model.half()
            after = translation_accuracy(model, extractor, heldout)  # of what is written
        finally:
            torch.set_num_threads(threads)
    measured = HeldOut(len(heldout), before, after) if heldout else None
    on_stage("writing")
    card = model_card(recipe, corpora.files, extractor.size, last, measured, command)
    _write(output, recipe, extractor, model, card)
    return Outcome(output, last, measured)


def build_model(recipe: Recipe, corpora: Corpora, rng: Random) -> tuple[FeatureExtractor, LamirModel]:
    """Learn the vocabulary of a recipe and return it with an untrained model.

    The texts are drawn from all streams alike, as many from each; torch's global generator draws
    the embeddings.
    """
    settings = recipe.model
    texts = _vocabulary_texts(settings, corpora, rng)
    config = FeatureConfig(
        ngram_min=settings.ngram_min,
        ngram_max=settings.ngram_max,
        ngram_buckets=settings.ngram_buckets,
    )
    extractor = FeatureExtractor.train(texts, tokens=settings.tokens, config=config)
    model = LamirModel(
        LamirConfig(
            vocab_size=extractor.size,
            semantic_dim=settings.semantic_dim,
            lexical_dim=settings.lexical_dim,
            lexical_share=settings.lexical_share,
        )
    )
    sample = texts[:: max(1, len(texts) // 50_000)]
    counts = torch.zeros(extractor.size)
    for text in sample:
        counts[list(set(extractor(text)))] += 1
    factors = torch.ones(extractor.size)
    factors[: extractor.tokens] = settings.token_weight
    model.set_frequencies(counts, len(sample), factors)
    return extractor, model


def encode(model: LamirModel, extractor: FeatureExtractor, texts: Sequence[str]) -> Tensor:
    """Encode texts to (B, D) unit vectors, as the model's `forward` does, but faster.

    Sums may be taken in any grouping: first the features of each *distinct* word of the batch,
    then the words of each text. Words repeat, so that a batch costs a third of its features.
    """
    rows: dict[tuple[int, ...], int] = {}
    words = [[rows.setdefault(ids, len(rows)) for ids in extractor.words(text)] for text in texts]
    vectors = model.sums(*_end_to_end(list(rows)))  # (W, D), one for each distinct word
    ids, offsets = _end_to_end(words)
    return model.join(F.embedding_bag(ids, vectors, offsets, mode="sum"))


def _end_to_end(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return rows of ids laid end to end, (F,) int64, and where each begins, (B,) int64."""
    ids = [element for row in rows for element in row]
    starts = [0, *accumulate(len(row) for row in rows)][:-1]
    return torch.tensor(ids, dtype=torch.int64), torch.tensor(starts, dtype=torch.int64)


def translation_accuracy(model: LamirModel, extractor: FeatureExtractor, pairs: Sequence[tuple[str, str]]) -> float:
    """Return the share of sentences whose nearest neighbour on the other side is their own pair.

    Both directions count alike. An English sentence that occurs twice is right for both of its
    translations. 0.0 if there are no pairs.
    """
    if not pairs:
        return 0.0
    with torch.no_grad():
        english = encode(model, extractor, [left for left, _ in pairs])  # (P, D)
        other = encode(model, extractor, [right for _, right in pairs])  # (P, D)
        scores = english @ other.T  # (P, P)
        same = _equal([left for left, _ in pairs])  # (P, P)
        rows = torch.arange(len(pairs))
        there = same[rows, scores.argmax(dim=1)].float().mean()
        back = same[rows, scores.argmax(dim=0)].float().mean()
    return float(there + back) / 2


def _vocabulary_texts(settings: Model, corpora: Corpora, rng: Random) -> list[str]:
    """Draw the texts the vocabulary is learnt from, the same number from every stream."""
    present = [corpora.ir, corpora.parallel, corpora.nonparallel]
    share = settings.vocabulary_texts // sum(mixture is not None for mixture in present)
    texts: list[str] = []
    if corpora.ir is not None:
        for pair in corpora.ir.draw(rng, (share + 1) // 2):
            texts += (pair.query, pair.positive)
    if corpora.parallel is not None:
        for both in corpora.parallel.draw(rng, (share + 1) // 2):
            texts += both
    if corpora.nonparallel is not None:
        texts += corpora.nonparallel.draw(rng, share)
    return texts


def _optimise(
    recipe: Recipe,
    corpora: Corpora,
    extractor: FeatureExtractor,
    model: LamirModel,
    rng: Random,
    on_step: Callable[[Step], None],
) -> Step:
    """Run all steps and return the last one's losses."""
    settings = recipe.optimizer
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    model.train()
    for number in range(1, recipe.steps + 1):
        rate = settings.learning_rate * min(number / max(1, settings.warmup_steps), 1 - (number - 1) / recipe.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        total, step = _losses(recipe, corpora, extractor, model, rng, number)
        if not torch.isfinite(total):
            raise HarnessError(
                f"the loss is {float(total.detach())} at step {number}",
                hint="Lower `learning_rate`, or raise `temperature`.",
            )
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        on_step(step)
    model.eval()
    return step


def _losses(
    recipe: Recipe,
    corpora: Corpora,
    extractor: FeatureExtractor,
    model: LamirModel,
    rng: Random,
    number: int,
) -> tuple[Tensor, Step]:
    """Draw a batch from every stream whose losses count; return their total and the parts."""
    streams, weights = recipe.streams, recipe.loss
    tau = weights.temperature
    questions, passages, english, other, texts = cast(list[list[str]], [[], [], [], [], []])
    if weights.ir_weight and corpora.ir and streams.ir:
        batch = corpora.ir.draw(rng, streams.ir.batch_size)
        questions = [pair.query for pair in batch]
        passages = [pair.positive for pair in batch]
        for pair in batch:
            passages += rng.sample(pair.negatives, streams.ir.hard_negatives)
    if (weights.semantic_weight or weights.language_weight) and corpora.parallel:
        assert streams.parallel is not None
        pairs = corpora.parallel.draw(rng, streams.parallel.batch_size)
        english = [left for left, _ in pairs]
        other = [right for _, right in pairs]
    if weights.language_weight and corpora.nonparallel and streams.nonparallel:
        texts = corpora.nonparallel.draw(rng, streams.nonparallel.batch_size)

    parts = [questions, passages, english, other, texts]
    vectors = encode(model, extractor, [text for part in parts for text in part])
    q, p, e, o, n = vectors.split([len(part) for part in parts])  # each (rows, D), maybe 0 rows
    ir = semantic = language = vectors.new_zeros(())
    if len(q):
        # The same question or passage drawn twice, or a hard negative that answers another
        # question of the batch, must not be pushed away.
        same = _equal(passages)[: len(questions)]  # (N, M)
        asked = _equal(questions)  # (N, N)
        same[:, : len(questions)] |= asked
        ir = info_nce(q, p, tau, exclude=same)
    if len(e) and weights.semantic_weight:
        semantic = semantic_loss(e, o, tau, pool=weights.semantic_pool, duplicates=_equal(english))
    if len(n):
        language = language_loss(n, e, o, tau)
    total = total_loss(
        ir,
        semantic,
        language,
        ir_weight=weights.ir_weight,
        semantic_weight=weights.semantic_weight,
        language_weight=weights.language_weight,
    )
    values = [float(value.detach()) for value in (ir, semantic, language, total)]
    return total, Step(number, *values)


def _equal(texts: Sequence[str]) -> Tensor:
    """Return (N, N) bool: which texts are the same but for case."""
    seen: dict[str, int] = {}
    keys = torch.tensor([seen.setdefault(text.casefold(), len(seen)) for text in texts])
    return keys[:, None] == keys[None, :]


def _check_output(output: Path, overwrite: bool) -> None:
    """Refuse an output folder that must not be replaced."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"output {output}: is a file", hint="Name a folder.")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise UsageError(
            f"output {output}: the folder is not empty",
            hint="Name another one with --output DIR, or replace it with --overwrite.",
        )


def _write(output: Path, recipe: Recipe, extractor: FeatureExtractor, model: LamirModel, card: str) -> None:
    """Write the folder beside its place and rename it, so that it is whole or not there."""
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        draft.chmod(0o755)  # mkdtemp keeps it to the user
        extractor.save(draft)
        with no_progress_bars():
            model.save_pretrained(draft)
        (draft / "recipe.json").write_text(recipe.model_dump_json(indent=1) + "\n", "utf-8")
        (draft / "README.md").write_text(card, encoding="utf-8")
        for path in draft.iterdir():
            path.chmod(0o644)  # safetensors writes files that only their owner may read
        if output.exists():
            shutil.rmtree(output)
        draft.rename(output)
    finally:
        shutil.rmtree(draft, ignore_errors=True)

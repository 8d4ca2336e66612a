"""The bag of features as a backbone: vocabulary and model together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from harness.encoders.pretrained import quiet_transformers
from harness.encoders.protocols import Role
from harness.errors import UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.base import Batch
from harness_lamir.backbones.features.extractor import (
    FEATURES_FILE,
    PAD,
    TOKENIZER_FILE,
    FeatureConfig,
    FeatureExtractor,
)
from harness_lamir.backbones.features.model import LamirConfig, LamirModel
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.sentence_files import write_sentence_files

__all__ = ["FeatureBackbone"]

_FILES = ("config.json", FEATURES_FILE, "model.safetensors", TOKENIZER_FILE)
#: How sentence-transformers finds the model; see that module for what it takes to load.
_SENTENCE_MODULE = "harness_lamir.backbones.sentence_module.SentenceBackbone"
_COUNTED_TEXTS = 50_000  # enough for document frequencies


class FeatureBackbone(IdBackbone):
    """Texts to features to unit vectors.

    Args:
        extractor: the vocabulary.
        model: the weights, as many as the vocabulary has ids.
    """

    pad_id = PAD
    batch_tokens = 262_144  # a few numbers for each

    def __init__(self, extractor: FeatureExtractor, model: LamirModel) -> None:
        """Keep both; see the class for the arguments."""
        super().__init__()
        self.extractor = extractor
        self.model = model
        self.dim = model.config.dim
        self.max_tokens = extractor.config.max_features

    @classmethod
    def build(
        cls, settings: kinds.FeatureBackbone, sample_texts: Callable[[int], list[str]], *, seed: int
    ) -> FeatureBackbone:
        """Learn a vocabulary, draw the embeddings, and start the weights at inverse document frequencies.

        With `init`, load that folder instead. Raises UsageError where it cannot be used, or there is no text.
        """
        if settings.init is not None:
            return cls.load(Path(settings.init).expanduser())
        texts = sample_texts(settings.vocabulary_texts)
        if not texts:
            raise UsageError("backbone: there is no text to learn a vocabulary from")
        config = FeatureConfig(settings.ngram_min, settings.ngram_max, settings.ngram_buckets)
        extractor = FeatureExtractor.train(texts, tokens=settings.tokens, config=config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = LamirModel(
                LamirConfig(
                    vocab_size=extractor.size,
                    semantic_dim=settings.semantic_dim,
                    lexical_dim=settings.lexical_dim,
                    lexical_share=settings.lexical_share,
                )
            )
        sample = texts[:: max(1, len(texts) // _COUNTED_TEXTS)]
        counts = torch.zeros(extractor.size)
        for text in sample:
            counts[list(set(extractor(text)))] += 1
        factors = torch.ones(extractor.size)
        factors[: extractor.tokens] = settings.token_weight
        model.set_frequencies(counts, len(sample), factors)
        return cls(extractor, model)

    @classmethod
    def load(cls, folder: Path) -> FeatureBackbone:
        """Read what `save` wrote; raises UsageError where a file is missing, broken, or of another run."""
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise UsageError(
                f"lamir: checkpoint {folder} has no {', '.join(missing)}",
                hint="Name a folder that `harness train lamir` wrote: -o checkpoint=FOLDER",
            )
        try:
            extractor = FeatureExtractor.load(folder)
            with quiet_transformers():
                model = LamirModel.from_pretrained(folder, dtype="float32", use_safetensors=True, local_files_only=True)
        except (ValueError, OSError, RuntimeError, SafetensorError) as error:
            raise UsageError(f"lamir: checkpoint {folder} cannot be loaded: {error}") from error
        if model.config.vocab_size != extractor.size:
            raise UsageError(
                f"lamir: checkpoint {folder} has {model.config.vocab_size} embeddings for {extractor.size} features",
                hint="Its files come from different runs; train again, or copy the whole folder.",
            )
        return cls(extractor, model)

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Return the feature ids of each text, at least one and at most `max_tokens`."""
        return [self.extractor(text) for text in texts]

    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors; languages are not read."""
        vectors: Tensor = self.model(input_ids, attention_mask)
        return vectors

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Return the features of the W distinct words of a batch, and the words of its texts, each laid end to end.

        Keys: `features` (F,) ids and `feature_starts` (W,) where each word begins; `words` (N,) numbers of words and
        `word_starts` (B,) where each text begins. All int64.
        """
        rows: dict[tuple[int, ...], int] = {}
        words = [
            [rows.setdefault(ids, len(rows)) for ids in self.extractor.words(text)]
            for text in self.prompted(texts, role)
        ]
        features, feature_starts = _end_to_end(list(rows))
        numbers, word_starts = _end_to_end(words)
        return {"features": features, "feature_starts": feature_starts, "words": numbers, "word_starts": word_starts}

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch of `tokenize`, as `vectors` does its texts but faster: (B, D) float32 unit vectors.

        Sums may be taken in any grouping: first the features of each *distinct* word of the batch, then the words of
        each text. Words repeat, so that a batch costs a third of its features.
        """
        features, feature_starts, words, word_starts = (
            batch[key].to(self.device) for key in ("features", "feature_starts", "words", "word_starts")
        )
        sums = self.model.sums(features, feature_starts)  # (W, D), one for each distinct word
        return self.model.join(F.embedding_bag(words, sums, word_starts, mode="sum")).float()

    def save(self, folder: Path) -> None:
        """Write weights, configuration and vocabulary into a folder that exists."""
        self.extractor.save(folder)
        with quiet_transformers():
            self.model.save_pretrained(folder)
        write_sentence_files(folder, [(_SENTENCE_MODULE, "")], prompts={})


def _end_to_end(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return rows of ids laid end to end, (F,) int64, and where each begins, (B,) int64."""
    ids = [element for row in rows for element in row]
    starts = [0, *accumulate(len(row) for row in rows)][:-1]
    return torch.tensor(ids, dtype=torch.int64), torch.tensor(starts, dtype=torch.int64)

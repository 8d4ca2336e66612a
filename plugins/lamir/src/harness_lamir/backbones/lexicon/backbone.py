"""The lexicon as a backbone: texts to words to numbers, and the model on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from harness.encoders.pretrained import quiet_transformers
from harness.encoders.protocols import Role
from harness.encoders.text import without_surrogates
from harness.errors import HarnessError, UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.base import Batch
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.lexicon.features import WordFeatures
from harness_lamir.backbones.lexicon.model import LexiconConfig, LexiconModel
from harness_lamir.backbones.lexicon.semantics import load_teacher, stem_rows
from harness_lamir.backbones.lexicon.table import Lexicon, build_lexicon
from harness_lamir.backbones.sentence_files import write_sentence_files
from harness_lamir.data.rows import Kind, Row, Translation, texts_of

__all__ = ["LexiconBackbone"]

_SENTENCE_MODULE = "harness_lamir.backbones.sentence_module.SentenceBackbone"
_COUNTED_TEXTS = 60_000  # enough for document frequencies of n-grams
_MAX_CHARACTERS = 100_000  # of a text that are read


class LexiconBackbone(IdBackbone):
    """Texts to words to unit vectors.

    The ids of a text are its words, as `spelling` writes them.

    Args:
        lexicon: words to mixtures of stems.
        model: the weights, as many as the lexicon has stems.
    """

    pad_id = 0
    batch_tokens = 65_536  # some thirty features for each word

    def __init__(self, lexicon: Lexicon, model: LexiconModel) -> None:
        """Keep both; see the class for the arguments."""
        super().__init__()
        self.lexicon = lexicon
        self.model = model
        self.dim = model.config.dim
        self.max_tokens = model.config.max_words
        config = model.config
        self._features = WordFeatures(
            lexicon, shortest=config.ngram_min, longest=config.ngram_max, buckets=config.ngram_buckets
        )

    @classmethod
    def build(
        cls,
        settings: kinds.LexiconBackbone,
        sample_texts: Callable[[int], list[str]],
        *,
        seed: int,
        rows: Callable[[Kind], Iterable[Row]],
    ) -> LexiconBackbone:
        """Make the lexicon of a recipe's parallel text, and start the weights at inverse document frequencies.

        Raises:
            UsageError: there is no parallel text, or the teacher cannot be loaded or has too few dimensions.
        """
        teacher = None if settings.teacher is None else load_teacher(settings.teacher, settings.semantic_dim)
        lexicon, idf = build_lexicon(
            _renamed(rows("parallel"), settings.aliases),
            _english(rows),
            max_stems=settings.stems,
            max_members=settings.max_members,
            least=settings.least,
        )
        config = LexiconConfig(
            stems=len(lexicon.stems),
            semantic_stems=min(settings.semantic_stems, len(lexicon.stems)),
            ngram_buckets=settings.ngram_buckets,
            semantic_dim=settings.semantic_dim,
            stem_dim=settings.stem_dim,
            ngram_dim=settings.ngram_dim,
            shares=settings.shares,
            ngram_min=settings.ngram_min,
            ngram_max=settings.ngram_max,
            dampening=settings.dampening,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = LexiconModel(config)
        backbone = cls(lexicon, model)
        weights = torch.from_numpy(idf).float()
        with torch.no_grad():
            model.stem_weight.copy_(weights**settings.idf_exponent)
            model.semantic_weight.copy_(weights[: config.semantic_stems])
            model.ngram_weight.copy_(backbone._ngram_weights(sample_texts(settings.vocabulary_texts)))
            if teacher is not None:
                stems = lexicon.stems[: config.semantic_stems]
                model.semantic.copy_(stem_rows(teacher, stems, idf[: len(stems)], config.semantic_dim))
        return backbone

    @classmethod
    def load(cls, folder: Path) -> LexiconBackbone:
        """Read what `save` wrote; raises UsageError where a file is missing, broken, or of another run."""
        lexicon = Lexicon.load(folder)
        try:
            with quiet_transformers():
                loaded: Any = LexiconModel.from_pretrained(  # with this last option a pair
                    folder, dtype="float32", use_safetensors=True, local_files_only=True, output_loading_info=True
                )
        except (ValueError, TypeError, OSError, RuntimeError, SafetensorError) as error:
            raise UsageError(f"lamir: checkpoint {folder} cannot be loaded: {error}") from error
        model, found = loaded
        if wrong := sorted({*found["missing_keys"], *found["unexpected_keys"]}):
            raise UsageError(
                f"lamir: checkpoint {folder}: model.safetensors lacks weights, or has others: {', '.join(wrong)}",
                hint="Train again, or copy the whole folder.",
            )
        if model.config.stems != len(lexicon.stems):
            raise UsageError(
                f"lamir: checkpoint {folder} has {model.config.stems} weights for {len(lexicon.stems)} stems",
                hint="Its files come from different runs; train again, or copy the whole folder.",
            )
        return cls(lexicon, model)

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Return the ids of each text's words, at most `max_tokens` words; none for a text without words.

        A listed word has one id, any other as many as it has characters.
        """
        return [self.lexicon.spelling.ids(self._words(text)) for text in texts]

    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors; languages are not read."""
        ends = attention_mask.sum(dim=1).cumsum(dim=0).tolist()
        flat = input_ids[attention_mask].tolist()
        rows = [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return self._encode(self._batch([self.lexicon.spelling.words(row) for row in rows]))

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Return the features of the W distinct words of a batch, and the words of its texts, each laid end to end.

        The keys are the arguments of `LexiconModel.forward`.
        """
        return self._batch([self._words(text) for text in self.prompted(texts, role)])

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch of `tokenize`: (B, D) float32 unit vectors; zeros for a text without words."""
        return self._encode(batch).float()

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Estimate words from the characters of a text."""
        return [min(self.max_tokens or 2**31, 1 + len(text) // 5) for text in texts]

    def save(self, folder: Path) -> None:
        """Write weights (as float16), configuration and lexicon into a folder that exists.

        Raises:
            HarnessError: a weight is beyond what float16 holds.
        """
        state = {name: tensor.detach().to("cpu", torch.float16) for name, tensor in self.model.state_dict().items()}
        if wrong := sorted(name for name, tensor in state.items() if not bool(tensor.isfinite().all())):
            raise HarnessError(
                f"weights that cannot be written as float16 (they exceed 65,504): {', '.join(wrong)}",
                hint="Lower `learning_rate` or `backbone.idf_exponent`.",
            )
        self.lexicon.save(folder)
        with quiet_transformers():
            self.model.save_pretrained(folder, state_dict=state)
        write_sentence_files(folder, [(_SENTENCE_MODULE, "")], prompts={})

    def _words(self, text: str) -> list[str]:
        """Return the words of a text that are read."""
        return self.lexicon.segment(text[:_MAX_CHARACTERS])[: self.max_tokens]

    def _ngram_weights(self, texts: Sequence[str]) -> Tensor:
        """Return inverse document frequencies (G,) of n-grams in a sample of texts."""
        sample = texts[:: max(1, len(texts) // _COUNTED_TEXTS)]
        counts = np.zeros(self.model.config.ngram_buckets)
        for text in sample:
            found = [self._features(word).ngrams for word in set(self._words(text))]
            if found:
                counts[np.unique(np.concatenate(found))] += 1
        return torch.from_numpy(np.log((len(sample) + 1.0) / (counts + 1.0)).clip(0.05)).float()

    def _batch(self, texts: Sequence[Sequence[str]]) -> dict[str, Tensor]:
        """Lay texts, given as words, and the features of their words end to end."""
        dampening = self.model.config.dampening
        order: dict[str, int] = {}
        words: list[int] = []
        counts: list[int] = []
        starts: list[int] = []
        for text in texts:
            starts.append(len(words))
            for word, times in Counter(text).items():
                words.append(order.setdefault(word, len(order)))
                counts.append(times)
        features = [self._features(word) for word in order]
        stems, ngrams = [found.stems for found in features], [found.ngrams for found in features]
        return {
            "stems": torch.from_numpy(_joined(stems, np.int64)),
            "values": torch.from_numpy(_joined([found.values for found in features], np.float32)),
            "stem_starts": _starts(stems),
            "ngrams": torch.from_numpy(_joined(ngrams, np.int64)),
            "ngram_starts": _starts(ngrams),
            "words": torch.tensor(words, dtype=torch.int64),
            "counts": torch.tensor(counts, dtype=torch.float32) ** dampening,
            "word_starts": torch.tensor(starts, dtype=torch.int64),
        }

    def _encode(self, batch: Batch) -> Tensor:
        """Encode what `_batch` laid out, on the device of the weights."""
        vectors: Tensor = self.model(**{key: tensor.to(self.device) for key, tensor in batch.items()})
        return vectors


def _joined(arrays: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """Lay arrays end to end."""
    return np.concatenate([np.zeros(0, dtype), *arrays], dtype=dtype)


def _starts(arrays: Sequence[NDArray[Any]]) -> Tensor:
    """Return where each of several arrays begins that are laid end to end."""
    return torch.tensor([0, *accumulate(map(len, arrays))][:-1], dtype=torch.int64)


def _renamed(rows: Iterable[Row], aliases: Mapping[str, str]) -> Iterator[Translation]:
    """Yield translations under the codes that the recipe wants their languages to have."""
    for row in rows:
        if isinstance(row, Translation):
            yield replace(row, language=aliases[row.language]) if row.language in aliases else row


def _english(rows: Callable[[Kind], Iterable[Row]]) -> Iterator[str]:
    """Yield the English texts of a recipe that are not the sides of translations."""
    for row in rows("ir"):
        if getattr(row, "language", "en") == "en":
            yield from map(without_surrogates, texts_of(row))

"""The lexicon as a backbone: texts to words to numbers, and the model on top."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from harness.encoders.protocols import Role
from harness.encoders.text import without_surrogates
from harness.errors import UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.base import Batch
from harness_lamir.backbones.features.extractor import ngrams_of, romanise, skeleton_ngrams_of
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.lexicon.model import LexiconConfig, LexiconModel
from harness_lamir.backbones.lexicon.semantics import stem_rows
from harness_lamir.backbones.lexicon.table import Lexicon, build_lexicon
from harness_lamir.backbones.quiet import quiet_transformers
from harness_lamir.backbones.sentence_files import write_sentence_files
from harness_lamir.data.rows import Kind, Row, Translation, texts_of

__all__ = ["LexiconBackbone"]

_SENTENCE_MODULE = "harness_lamir.backbones.sentence_module.SentenceBackbone"
_COUNTED_TEXTS = 60_000  # enough for document frequencies of n-grams
_REMEMBERED = 1_000_000  # words whose features are kept at hand
_MAX_CHARACTERS = 100_000  # of a text that are read


class LexiconBackbone(IdBackbone):
    """Texts to words to unit vectors.

    The ids of a text are numbers of words, 1 and up in the order in which this process met them: a word's features
    are worked out once. They mean nothing outside the process, and nothing but them depends on that order.

    Args:
        lexicon: words to mixtures of stems.
        model: the weights, as many as the lexicon has stems.
    """

    pad_id = 0

    def __init__(self, lexicon: Lexicon, model: LexiconModel) -> None:
        """Keep both; see the class for the arguments."""
        super().__init__()
        self.lexicon = lexicon
        self.model = model
        self.dim = model.config.dim
        self.max_tokens = model.config.max_words
        self._forget()

    @classmethod
    def build(
        cls,
        settings: kinds.LexiconBackbone,
        sample_texts: Callable[[int], list[str]],
        *,
        seed: int,
        rows: Callable[[Kind], Iterable[Row]],
    ) -> LexiconBackbone:
        """Make the lexicon of a recipe's parallel text, and start the weights at inverse document frequencies."""
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
            if settings.teacher is not None:
                stems = lexicon.stems[: config.semantic_stems]
                model.semantic.copy_(stem_rows(settings.teacher, stems, idf[: len(stems)], config.semantic_dim))
        return backbone

    @classmethod
    def load(cls, folder: Path) -> LexiconBackbone:
        """Read what `save` wrote; raises UsageError where a file is missing, broken, or of another run."""
        lexicon = Lexicon.load(folder)
        try:
            with quiet_transformers():
                model = LexiconModel.from_pretrained(
                    folder, dtype="float32", use_safetensors=True, local_files_only=True
                )
        except (ValueError, OSError, RuntimeError, SafetensorError) as error:
            raise UsageError(f"lamir: checkpoint {folder} cannot be loaded: {error}") from error
        if model.config.stems != len(lexicon.stems):
            raise UsageError(
                f"lamir: checkpoint {folder} has {model.config.stems} weights for {len(lexicon.stems)} stems",
                hint="Its files come from different runs; train again, or copy the whole folder.",
            )
        return cls(lexicon, model)

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Return the numbers of each text's words, at most `max_tokens`; none for a text without words."""
        if len(self._features) > _REMEMBERED:
            self._forget()
        return [self._words(text) for text in texts]

    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors; languages are not read."""
        lengths = attention_mask.sum(dim=1).tolist()
        flat = iter(input_ids[attention_mask].tolist())
        return self._encode(self._batch([[next(flat) for _ in range(length)] for length in lengths]))

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Return the features of the W distinct words of a batch, and the words of its texts, each laid end to end.

        Keys: `stems` and `values` (N,), `stem_starts` (W,), `ngrams` (M,), `ngram_starts` (W,) as
        `LexiconModel.sums` takes them; `words` (P,) numbers of words, `counts` (P,) float32 what each counts in its
        text, and `word_starts` (B,) where each text begins.
        """
        return self._batch(self.ids(self.prompted(texts, role)))

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch of `tokenize`: (B, D) float32 unit vectors; zeros for a text without words."""
        return self._encode(batch).float()

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Estimate words from the characters of a text."""
        return [min(self.max_tokens or 2**31, 1 + len(text) // 5) for text in texts]

    def save(self, folder: Path) -> None:
        """Write weights (float16), configuration and lexicon into a folder that exists."""
        self.lexicon.save(folder)
        with quiet_transformers():
            state = {name: tensor.detach().to("cpu", torch.float16) for name, tensor in self.model.state_dict().items()}
            self.model.save_pretrained(folder, state_dict=state)
        write_sentence_files(folder, [(_SENTENCE_MODULE, "")], prompts={})

    def _words(self, text: str) -> list[int]:
        """Return the numbers of a text's words, and work out the features of those that are new."""
        found = []
        for word in self.lexicon.segment(text[:_MAX_CHARACTERS])[: self.max_tokens]:
            number = self._numbers.get(word)
            if number is None:
                number = self._numbers[word] = len(self._features)
                self._features.append((*self.lexicon.mixture(word), self._ngrams(word)))
            found.append(number)
        return found

    def _ngrams(self, word: str) -> list[int]:
        """Return the buckets of a word's n-grams, whole and of its consonants alone."""
        config = self.model.config
        return [
            zlib.crc32(ngram.encode()) % config.ngram_buckets
            for piece in romanise(word)
            for ngram in [
                *ngrams_of(piece, config.ngram_min, config.ngram_max),
                *skeleton_ngrams_of(piece, config.ngram_min),
            ]
        ]

    def _ngram_weights(self, texts: Sequence[str]) -> Tensor:
        """Return inverse document frequencies (G,) of n-grams in a sample of texts."""
        sample = texts[:: max(1, len(texts) // _COUNTED_TEXTS)]
        counts = torch.zeros(self.model.config.ngram_buckets)
        for text in sample:
            found = {ngram for word in self.lexicon.segment(text) for ngram in self._ngrams(word)}
            counts[list(found)] += 1
        return torch.log((len(sample) + 1.0) / (counts + 1.0)).clamp(min=0.05)

    def _batch(self, texts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Lay texts, given as numbers of words, and the features of their words end to end."""
        order: dict[int, int] = {}
        words: list[int] = []
        counts: list[float] = []
        starts: list[int] = []
        for text in texts:
            starts.append(len(words))
            for number, times in Counter(text).items():
                words.append(order.setdefault(number, len(order)))
                counts.append(times**self.model.config.dampening)
        features = [self._features[number] for number in order]
        return {
            "stems": torch.from_numpy(np.concatenate([f[0] for f in features] or [np.zeros(0, np.int64)])),
            "values": torch.from_numpy(np.concatenate([f[1] for f in features] or [np.zeros(0, np.float32)])),
            "stem_starts": _starts(len(f[0]) for f in features),
            "ngrams": torch.tensor([ngram for f in features for ngram in f[2]], dtype=torch.int64),
            "ngram_starts": _starts(len(f[2]) for f in features),
            "words": torch.tensor(words, dtype=torch.int64),
            "counts": torch.tensor(counts, dtype=torch.float32),
            "word_starts": torch.tensor(starts, dtype=torch.int64),
        }

    def _encode(self, batch: Batch) -> Tensor:
        """Encode what `_batch` laid out: first each distinct word, then the texts, as sums of words."""
        dtype = self.model.stem_weight.dtype
        on = {key: tensor.to(self.device) for key, tensor in batch.items()}
        if not len(on["words"]):
            return torch.zeros(len(on["word_starts"]), self.dim, device=self.device, dtype=dtype)
        sums = self.model.sums(
            on["stems"], on["values"].to(dtype), on["stem_starts"], on["ngrams"], on["ngram_starts"]
        )  # (W, D)
        counts = on["counts"].to(dtype)
        texts = F.embedding_bag(on["words"], sums, on["word_starts"], mode="sum", per_sample_weights=counts)
        return self.model.join(texts)

    def _forget(self) -> None:
        """Start numbering words anew; 0 is padding, and has no features."""
        self._numbers: dict[str, int] = {}
        self._features: list[tuple[np.ndarray, np.ndarray, list[int]]] = [
            (np.zeros(0, np.int64), np.zeros(0, np.float32), [])
        ]


def _starts(lengths: Iterable[int]) -> Tensor:
    """Return where each of several rows begins that are laid end to end."""
    return torch.tensor([0, *accumulate(lengths)][:-1], dtype=torch.int64)


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

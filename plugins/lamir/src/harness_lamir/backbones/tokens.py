"""Static token embeddings: the weighted mean of a table's rows, scaled to unit length.

    text → tokens t → Σ w_t E_t / n → unit length

`E` (V, D) and the weights `w` (V,) are learned apart: how much a token matters is one number, and an optimiser moves
one number sooner than the length of a row. Saving multiplies them, so that a folder holds one table: what
sentence-transformers calls a `StaticEmbedding`. `SentenceTransformer(folder)` therefore needs nothing of ours.

With transformers, `AutoTokenizer` loads the vocabulary (call it with `add_special_tokens=False`); `AutoModel` loads
nothing, because the library has no architecture that is a mean of embeddings.

A text without tokens (an empty one) has the zero vector, as in sentence-transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.encoders.protocols import Role
from harness.errors import UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.locating import locate, require_safetensors
from harness_lamir.backbones.projection import input_embeddings, project
from harness_lamir.backbones.sentence_files import (
    NORMALIZE,
    STATIC,
    read_sentence_files,
    write_json,
    write_sentence_files,
)
from harness_lamir.backbones.vocabulary import word_tokenizer

__all__ = ["TokenBackbone"]

_PAD, _UNK = "[PAD]", "[UNK]"
_WEIGHTS, _TOKENIZER = "model.safetensors", "tokenizer.json"
_COUNTED_TEXTS = 50_000  # enough for document frequencies


class TokenBackbone(IdBackbone):
    """Texts to tokens to unit vectors.

    Args:
        tokenizer: the vocabulary, V tokens.
        table: (V, D) float32, one row for each token.
        weights: (V,) float32; by default ones.
        prompts: text put before every input of a role.
    """

    batch_tokens = 262_144  # a few numbers for each

    def __init__(
        self,
        tokenizer: Tokenizer,
        table: Tensor,
        weights: Tensor | None = None,
        *,
        prompts: Mapping[Role, str] | None = None,
    ) -> None:
        """Keep copies of the weights; see the class for the arguments."""
        super().__init__()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.embedding = nn.Parameter(table.detach().clone())  # (V, D)
        self.weight = nn.Parameter(torch.ones(len(table)) if weights is None else weights.detach().clone())  # (V,)
        self.dim = table.shape[1]
        self.max_tokens = tokenizer.truncation["max_length"] if tokenizer.truncation else None
        self.prompts = dict(prompts or {})

    @classmethod
    def build(
        cls, settings: kinds.TokenBackbone, sample_texts: Callable[[int], list[str]], *, seed: int
    ) -> TokenBackbone:
        """Train or take a tokenizer, start the rows at random or at a transformer's, and the weights at idf."""
        texts = sample_texts(settings.vocabulary_texts)
        if not texts:
            raise UsageError("backbone: there is no text to learn a vocabulary from")
        if settings.tokenizer is None:
            tokenizer = word_tokenizer(texts, size=settings.tokens, special=[_PAD, _UNK], unknown=_UNK)
        else:
            where = "backbone.tokenizer"
            tokenizer = _read_tokenizer(locate(settings.tokenizer, None, where=where, weights=False))
            tokenizer.no_truncation()
        if settings.init is None:
            generator = torch.Generator().manual_seed(seed)
            table = torch.randn(_size(tokenizer), settings.dim, generator=generator) * settings.dim**-0.5
        else:
            table = project(input_embeddings(settings.init, tokenizer), settings.dim)
        return cls(tokenizer, table, _idf(tokenizer, texts[:: max(1, len(texts) // _COUNTED_TEXTS)]))

    @classmethod
    def load(cls, folder: Path) -> TokenBackbone:
        """Read what `save` wrote, or another static model of sentence-transformers.

        Raises:
            UsageError: a file is missing or broken, or the table lacks rows for the vocabulary.
        """
        model = read_sentence_files(folder, first="StaticEmbedding")
        tokenizer = _read_tokenizer(model.folder)
        require_safetensors(model.folder)
        table = _read_table(model.folder / _WEIGHTS)
        if len(table) < _size(tokenizer):
            raise UsageError(
                f"model {folder} has {len(table)} embeddings for {_size(tokenizer)} tokens",
                hint="Its files come from different runs; train again, or copy the whole folder.",
            )
        return cls(tokenizer, table, prompts=model.prompts)

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Return the tokens of each text; none for an empty one."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors; languages are not read."""
        lengths = attention_mask.sum(dim=1)  # (B,)
        ids = input_ids[attention_mask]  # (N,) the tokens of the batch, row after row
        starts = F.pad(lengths.cumsum(0)[:-1], (1, 0))  # (B,)
        sums = F.embedding_bag(ids, self.embedding, starts, mode="sum", per_sample_weights=self.weight[ids])
        return F.normalize(sums, dim=-1)  # the mean has the direction of the sum

    def save(self, folder: Path) -> None:
        """Write table, vocabulary and sentence-transformers' files into a folder that exists."""
        rows = self.embedding.detach() * self.weight.detach()[:, None]
        save_file({"embedding.weight": rows.float().cpu().contiguous()}, folder / _WEIGHTS)
        (folder / _TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")
        write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
        write_sentence_files(folder, [(STATIC, ""), (NORMALIZE, "1_Normalize")], prompts=self.prompts)


def _size(tokenizer: Tokenizer) -> int:
    """Return the number of rows that a vocabulary needs: its ids may have gaps."""
    return max(tokenizer.get_vocab().values()) + 1


def _idf(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Return inverse document frequencies (V,), scaled to a mean of one."""
    counts = torch.zeros(_size(tokenizer))
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        counts[list(set(encoding.ids))] += 1
    idf = torch.log((len(texts) + 1.0) / (counts + 1.0)) + 0.1  # all above 0
    return idf / idf.mean()


def _read_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`."""
    path = folder / _TOKENIZER
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"model {folder} has no {_TOKENIZER}", hint="Copy the whole folder of the model.") from error
    except Exception as error:  # tokenizers raises bare Exception
        raise UsageError(f"{path} is no tokenizer: {error}") from error


def _read_table(path: Path) -> Tensor:
    """Read the rows (V, D) float32: `embedding.weight`, or model2vec's `embeddings` with mapping and weights."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    table = tensors.get("embedding.weight", tensors.get("embeddings"))
    if table is None or table.dim() != 2:
        raise UsageError(f"{path}: expected a matrix embedding.weight, found {sorted(tensors)}")
    if "mapping" in tensors:
        table = table[tensors["mapping"].long()]
    table = table.float()
    return table * tensors["weights"].float()[:, None] if "weights" in tensors else table

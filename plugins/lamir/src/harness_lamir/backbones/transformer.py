"""Any encoder of Hugging Face transformers: states of its tokens, pooled, scaled to unit length.

    prompt + text → tokens → transformer → mean of the token states, or the first → (dense layers) → unit length

A folder that `save` writes loads with `AutoModel`, with `SentenceTransformer(folder)` (prompts, length and pooling
included) and here, and all three give the same vectors.

Modular encoders (XMOD, Pfeiffer et al., NAACL 2022) hold an adapter for each of their languages. `adapters` maps our
language codes to theirs; `default` stands in for all others, and is what loaders that know no languages use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness._util.names import did_you_mean
from harness.encoders.pretrained import load_tokenizer, positions, quiet_transformers
from harness.encoders.protocols import Role
from harness.errors import UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.base import Batch
from harness_lamir.backbones.dense import Dense
from harness_lamir.backbones.huggingface import embedding_table, load_model
from harness_lamir.backbones.ids import IdBackbone, like_lengths
from harness_lamir.backbones.locating import locate
from harness_lamir.backbones.sentence_files import (
    DENSE,
    NORMALIZE,
    POOLING,
    TRANSFORMER,
    read_json,
    read_sentence_files,
    write_json,
    write_pooling,
    write_sentence_files,
)

__all__ = ["TransformerBackbone"]

_DEFAULT = "default"
_ADAPTERS = "adapters.json"
_ENDLESS = 1_000_000  # beyond it, a tokenizer's length means "none known"
# What a call costs beside its tokens, in tokens: for small products of matrices, the dense gradient of the embeddings,
# and on accelerators the launches, which a small batch waits for.
_CALL = {"cpu": 128}
_CALL_ELSEWHERE = 8192


class TransformerBackbone(IdBackbone):
    """Texts to tokens to states to unit vectors.

    Args:
        model: the transformer.
        tokenizer: its tokenizer.
        pooling: mean over tokens, or the first token.
        max_tokens: texts are cut there, special tokens included; by default where the model ends.
        prompts: text put before every input of a role.
        adapters: the model's adapter for each of our language codes; `default` for the rest.
        dense: layers after pooling.
        lowercase: lowercase texts before the tokenizer sees them.

    Raises:
        UsageError: the parts do not belong together.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        pooling: Literal["mean", "cls"] = "mean",
        max_tokens: int | None = None,
        prompts: Mapping[Role, str] | None = None,
        adapters: Mapping[str, str] | None = None,
        dense: Sequence[Dense] = (),
        lowercase: bool = False,
    ) -> None:
        """Check that the parts fit; see the class for the arguments."""
        super().__init__()
        rows = len(embedding_table(model))
        if len(tokenizer) > rows:
            raise UsageError(
                f"backbone: the tokenizer has {len(tokenizer)} tokens for {rows} embeddings",
                hint="Tokenizer and weights come from different models.",
            )
        self.model = model
        self.tokenizer = tokenizer
        self.pooling: Literal["mean", "cls"] = pooling
        self.dense = nn.ModuleList(dense)
        self.lowercase = lowercase
        self.prompts = dict(prompts or {})
        self.pad_id = tokenizer.pad_token_id or 0
        self.dim = dense[-1].linear.out_features if dense else model.config.hidden_size
        self.max_tokens = _max_tokens(model, tokenizer, max_tokens)
        self.adapters = _check_adapters(model, dict(adapters or {}))
        self.language_aware = bool(self.adapters)
        _freeze_pooler(model)

    @classmethod
    def build(
        cls, settings: kinds.TransformerBackbone, sample_texts: Callable[[int], list[str]], *, seed: int
    ) -> TransformerBackbone:
        """Load the model that a recipe names; the recipe decides pooling, length and prompts, not the folder."""
        folder = locate(settings.model, settings.revision, where="backbone.model")
        files = read_sentence_files(folder)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # for a pooler that the folder lacks
            model = load_model(files.folder, dropout=settings.dropout)
        backbone = cls(
            model,
            load_tokenizer(files.folder),
            pooling=settings.pooling,
            max_tokens=settings.max_tokens,
            prompts=settings.prompts,
            adapters=settings.adapters,
            dense=[Dense.load(path) for path in files.dense],
            lowercase=files.lowercase,
        )
        backbone.freeze(settings.frozen_layers)
        return backbone

    @classmethod
    def load(cls, folder: Path) -> TransformerBackbone:
        """Read what `save` wrote, or any folder of transformers (mean pooling) or sentence-transformers."""
        files = read_sentence_files(folder)
        return cls(
            load_model(files.folder),
            load_tokenizer(files.folder),
            pooling=files.pooling,
            max_tokens=files.max_tokens,
            prompts=files.prompts,
            adapters=read_json(folder / _ADAPTERS),
            dense=[Dense.load(path) for path in files.dense],
            lowercase=files.lowercase,
        )

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Return the tokens of each text, special tokens included, at most `max_tokens`."""
        listed = [text.lower() for text in texts] if self.lowercase else list(texts)
        if not listed:
            return []
        rows: list[Sequence[int]] = self.tokenizer(
            listed,
            truncation=self.max_tokens is not None,
            max_length=self.max_tokens,
            padding=False,
            return_attention_mask=False,
        )["input_ids"]
        return [row or [self.pad_id] for row in rows]  # without special tokens, an empty text has none

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Return `input_ids` (B, L), `attention_mask` (B, L) and, with adapters, `lang_ids` (B,) int64."""
        batch = dict(super().tokenize(texts, role=role))
        if self.adapters:
            batch["lang_ids"] = self._lang_ids([None] * len(texts) if languages is None else languages)
        return batch

    def parts(self, batch: Batch, size: int) -> list[tuple[list[int], Batch]]:
        """Cut a batch into texts of like lengths, where that saves more padding than further calls cost."""
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        runs = like_lengths(lengths, _CALL.get(self.device.type, _CALL_ELSEWHERE))
        if len(runs) == 1:
            return [(runs[0], batch)]
        found: list[tuple[list[int], Batch]] = []
        for run in runs:
            longest = lengths[run[0]]
            rows = {name: tensor[torch.tensor(run)] for name, tensor in batch.items()}
            found.append((run, {name: t[:, :longest] if t.ndim == 2 else t for name, t in rows.items()}))
        return found

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch on the device of the weights: (B, D) float32 unit vectors."""
        moved = {name: tensor.to(self.device) for name, tensor in batch.items()}
        return self._pooled(moved["input_ids"], moved["attention_mask"], moved.get("lang_ids")).float()

    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors, through the languages' adapters."""
        lang_ids = None
        if self.adapters:
            lang_ids = self._lang_ids(languages or [None] * len(input_ids)).to(input_ids.device)
        return self._pooled(input_ids, attention_mask, lang_ids)

    def _pooled(self, input_ids: Tensor, attention_mask: Tensor, lang_ids: Tensor | None) -> Tensor:
        """Run the transformer and pool its last layer: (B, D) unit vectors."""
        extra: dict[str, Any] = {} if lang_ids is None else {"lang_ids": lang_ids}
        states = self.model(input_ids=input_ids, attention_mask=attention_mask.long(), **extra)[0]  # (B, L, H)
        if self.pooling == "cls":
            vectors = states[:, 0]
        else:
            weights = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, L, 1)
            # In float32 whatever the states are: a sum of hundreds in bfloat16 keeps two digits.
            total = torch.sum(states * weights, dim=1, dtype=torch.float32)
            vectors = total / attention_mask.sum(dim=1, keepdim=True).clamp(min=1)
        for layer in cast(Sequence[Dense], self.dense):
            vectors = layer(vectors.to(layer.linear.weight.dtype))
        return F.normalize(vectors, dim=-1)

    def _lang_ids(self, languages: Sequence[str | None]) -> Tensor:
        """Return the number of each language's adapter, (B,) int64."""
        known = list(self.model.config.languages)
        default = self.adapters[_DEFAULT]
        names = [self.adapters.get(language or _DEFAULT, default) for language in languages]
        return torch.tensor([known.index(name) for name in names], dtype=torch.int64)

    def gradient_checkpointing_enable(self) -> None:
        """Recompute activations in the backward pass instead of keeping them."""
        if not self.model.supports_gradient_checkpointing:
            raise UsageError(
                f"backbone: {self.model.config.model_type} has no gradient checkpointing",
                hint="Leave out runtime.gradient_checkpointing; runtime.chunk bounds the memory too.",
            )
        enable = getattr(self.model, "activation_checkpointing_enable", self.model.gradient_checkpointing_enable)
        self.model.config.use_cache = False  # of keys and values, for generation; on, it only earns a warning
        enable({"use_reentrant": False})  # the older name is deprecated; both take the options first

    def freeze(self, layers: int) -> None:
        """Exclude the lowest `layers` layers, and the embeddings below them, from training; 0 excludes nothing.

        Raises:
            UsageError: the model has fewer layers, or keeps them in no list.
        """
        if not layers:
            return
        count = getattr(self.model.config, "num_hidden_layers", 0)
        stacks = [m for m in self.model.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
        if not stacks:
            raise UsageError(f"backbone.frozen_layers: the layers of {self.model.config.model_type} are in no list")
        if layers > count:
            raise UsageError(f"backbone.frozen_layers: {layers} of {count} layers", hint=f"At most {count}.")
        below = getattr(self.model, "embeddings", self.model.get_input_embeddings())
        for module in (below, *list(stacks[0])[:layers]):
            module.requires_grad_(False)

    def save(self, folder: Path) -> None:
        """Write model, tokenizer and sentence-transformers' files into a folder that exists."""
        length = self.max_tokens
        if length is not None:
            self.tokenizer.model_max_length = length
        with quiet_transformers():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": self.lowercase})
        write_pooling(folder / "1_Pooling", self.model.config.hidden_size, self.pooling)
        modules = [(TRANSFORMER, ""), (POOLING, "1_Pooling")]
        for number, layer in enumerate(cast(Sequence[Dense], self.dense), start=2):
            modules.append((DENSE, f"{number}_Dense"))
            layer.save(folder / f"{number}_Dense")
        modules.append((NORMALIZE, f"{len(modules)}_Normalize"))
        write_sentence_files(folder, modules, prompts=self.prompts)
        if self.adapters:
            write_json(folder / _ADAPTERS, self.adapters)


def _max_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, wanted: int | None) -> int | None:
    """Return the length at which texts are cut: `wanted` if the model takes so many, else all that it takes."""
    most = positions(model)
    if wanted is None:
        known = [length for length in (most, tokenizer.model_max_length) if length and length < _ENDLESS]
        return min(known, default=None)
    if most is not None and wanted > most:
        raise UsageError(
            f"backbone.max_tokens: {wanted} exceeds the {most} positions of the model", hint=f"At most {most}."
        )
    least = tokenizer.num_special_tokens_to_add() + 1
    if wanted < least:
        raise UsageError(f"backbone.max_tokens: {wanted} leaves no room for text", hint=f"At least {least}.")
    return wanted


def _check_adapters(model: PreTrainedModel, adapters: dict[str, str]) -> dict[str, str]:
    """Return the adapter of each language, `default` among them; an empty mapping for a model without adapters.

    The default becomes the model's own, so that loaders that pass no language use it too.
    """
    known = [str(name) for name in getattr(model.config, "languages", None) or []]
    if not hasattr(model, "set_default_language"):
        if adapters:
            raise UsageError(
                f"backbone.adapters: {model.config.model_type} has no language adapters", hint="Leave them out."
            )
        return {}
    for language, name in adapters.items():
        if name not in known:
            raise UsageError(
                f"backbone.adapters.{language}: the model has no adapter {name!r}", did_you_mean(name, known)
            )
    default = adapters.get(_DEFAULT, model.config.default_language)
    if default is None and len(known) == 1:
        default = known[0]
    if default not in known:
        raise UsageError(
            "backbone.adapters: there is no adapter for languages that are not listed",
            hint=f"Add a line `default: …`. {did_you_mean('', known) or ''}".strip(),
        )
    cast(Any, model).set_default_language(default)
    return {**adapters, _DEFAULT: default}


def _freeze_pooler(model: PreTrainedModel) -> None:
    """Exclude what our pooling does not use from training: such weights never get a gradient."""
    pooler = getattr(model, "pooler", None)
    if isinstance(pooler, nn.Module):
        pooler.requires_grad_(False)

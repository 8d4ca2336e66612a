"""The encoder `lamir`: a backbone of any kind behind the harness's torch base class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from harness._util import fingerprint as fingerprints
from harness.encoders.base import TorchEncoder
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.errors import UsageError
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.building import kind_of, load_backbone
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.plugin import TRAINING_DATASETS, LamirOptions

__all__ = ["LamirEncoder", "checkpoint_fingerprint", "encoder_of", "load", "shipped_checkpoint", "weights_fingerprint"]

#: The files of a bag of features that decide a vector, in the order in which they are fingerprinted.
_FEATURE_FILES = ("config.json", "features.json", "model.safetensors", "tokenizer.json")
#: The files of the other kinds that do. Logs, cards and recipes beside them change nothing.
_DECIDING = (
    "*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "*.model", "modules.json",
    "sentence_bert_config.json", "config_sentence_transformers.json", "adapters.json", "features.json", "words.txt.gz",
    "stems.txt.gz",
)  # fmt: skip


class LamirEncoder(TorchEncoder):
    """Encodes texts with a backbone: prompts by role, adapters by language where the backbone has some.

    Args:
        backbone: what encodes.
        info: name, dimensions and fingerprint.
        device: auto, or a torch name.
        dtype: auto, or a torch name. Anything but float32 converts the backbone's own weights.
        batch_tokens: ids per batch, padding included.
    """

    def __init__(
        self, backbone: IdBackbone, info: EncoderInfo, *, device: str = "auto", dtype: str = "auto", batch_tokens: int
    ) -> None:
        """Put the backbone on its device; see the class for the arguments."""
        super().__init__(backbone, info, device=device, dtype=dtype, batch_tokens=batch_tokens)
        self.backbone = backbone
        self.pad_id = backbone.pad_id
        self._language: str | None = None

    def tokenize(self, texts: list[str]) -> list[Sequence[int]]:
        """Return the ids of each text, at most `info.max_tokens`."""
        return self.backbone.ids(texts)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors."""
        return self.backbone.vectors(input_ids, attention_mask, [self._language] * len(input_ids))

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), info.dim) float32, in the order of `texts`, all of which are in `language`."""
        self._language = language
        return super().encode(texts, role=role, language=language)


def encoder_of(
    backbone: Backbone,
    *,
    name: str,
    fingerprint: str,
    device: str | None = None,
    dtype: str = "float32",
    batch_tokens: int | None = None,
    training_datasets: tuple[str, ...] | None = None,
    model: str | None = None,
    licence: str | None = None,
) -> LamirEncoder:
    """Put a backbone behind the harness's encoder protocol: to load a checkpoint, or to evaluate while training.

    The encoder shares the backbone's weights and puts it in `eval` mode: call `train()` before training goes on. A
    dtype other than float32 would convert the weights that are trained.

    Args:
        backbone: what encodes.
        name: the label of its rows.
        fingerprint: changes whenever a vector does; `weights_fingerprint` gives one.
        device: auto, or a torch name; by default where the backbone is.
        dtype: auto, or a torch name.
        batch_tokens: ids per batch, padding included; by default what suits the backbone.
        training_datasets: what it was trained on; None where unknown.
        model: the name of the model.
        licence: the licence of its weights.
    """
    if not isinstance(backbone, IdBackbone):
        raise TypeError(f"{type(backbone).__name__} is no IdBackbone, the kind that the encoder can batch")
    info = EncoderInfo(
        name=name,
        dim=backbone.dim,
        fingerprint=fingerprint,
        max_tokens=backbone.max_tokens,
        prompts={role: prompt for role, prompt in backbone.prompts.items() if prompt},
        language_aware=backbone.language_aware,
        training_datasets=training_datasets,
        model=model,
        licence=licence,
    )
    where = str(backbone.device) if device is None else device
    size = backbone.batch_tokens if batch_tokens is None else batch_tokens
    return LamirEncoder(backbone, info, device=where, dtype=dtype, batch_tokens=size)


def shipped_checkpoint() -> Path:
    """Return the folder of the checkpoint that comes with this distribution."""
    return Path(str(files("harness_lamir"))) / "checkpoint"


def weights_fingerprint(backbone: Backbone) -> str:
    """Return the SHA-256 (64 hex digits) over names, dtypes, shapes and values of all weights, on any device."""
    digest = hashlib.sha256()
    for name, tensor in sorted(backbone.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def checkpoint_fingerprint(folder: Path) -> str:
    """Return the SHA-256 (64 hex digits) over the files of a checkpoint that decide a vector."""
    if kind_of(folder) != "features":
        found = {path for pattern in _DECIDING for path in folder.rglob(pattern) if path.is_file()}
        return fingerprints.of_files(found, folder)
    digest = hashlib.sha256()
    for name in _FEATURE_FILES:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def load(options: LamirOptions) -> LamirEncoder:
    """Load a checkpoint of any kind: the factory that the plugin names.

    Raises:
        UsageError: the folder lacks a file, or its parts do not belong together.
    """
    shipped = options.checkpoint is None
    folder = shipped_checkpoint() if options.checkpoint is None else Path(options.checkpoint)
    backbone = load_backbone(folder)
    name, sources, licence = _recipe(folder)
    return encoder_of(
        backbone,
        name="lamir",
        fingerprint=checkpoint_fingerprint(folder),
        device=options.device,
        dtype=options.dtype,
        batch_tokens=options.batch_tokens,
        training_datasets=TRAINING_DATASETS if shipped else sources,
        model=name,
        licence=licence,
    )


def _recipe(folder: Path) -> tuple[str | None, tuple[str, ...] | None, str | None]:
    """Return name, sources and licence from the recipe beside the weights, if there is one."""
    path = folder / "recipe.json"
    if not path.is_file():
        return None, None, None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        streams = [stream for stream in content["streams"].values() if stream is not None]
        sources = {source["name"]: None for stream in streams for source in stream["sources"]}
        return content["name"], tuple(sources), content["licence"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: is no recipe of lamir ({error!r})", hint="Remove it, or copy it again.") from error

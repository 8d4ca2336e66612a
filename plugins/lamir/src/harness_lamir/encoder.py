"""The encoder `lamir`: a checkpoint behind the harness's torch base class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from harness.encoders.base import TorchEncoder
from harness.encoders.protocols import EncoderInfo
from harness.errors import UsageError
from harness_lamir.features import FEATURES_FILE, PAD, TOKENIZER_FILE, FeatureExtractor
from harness_lamir.model import LamirModel, no_progress_bars
from harness_lamir.plugin import TRAINING_DATASETS, LamirOptions

__all__ = ["LamirEncoder", "checkpoint_fingerprint", "load", "shipped_checkpoint"]

_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
#: The files that decide a vector, in the order in which they are fingerprinted.
_FILES = (_CONFIG, FEATURES_FILE, _WEIGHTS, TOKENIZER_FILE)


class LamirEncoder(TorchEncoder):
    """Encodes texts with a trained model; queries and passages of any language alike.

    Args:
        module: the model.
        extractor: the vocabulary it was trained with.
        info: name, dimensions and fingerprint.
        options: device, dtype and batch size.
    """

    pad_id = PAD

    def __init__(
        self,
        module: LamirModel,
        extractor: FeatureExtractor,
        info: EncoderInfo,
        options: LamirOptions,
    ) -> None:
        """Put the model on its device; see the class for the arguments."""
        super().__init__(
            module,
            info,
            device=options.device,
            dtype=options.dtype,
            batch_tokens=options.batch_tokens,
        )
        self._extractor = extractor

    def tokenize(self, texts: list[str]) -> list[Sequence[int]]:
        """Return the feature ids of each text, at least one and at most `info.max_tokens`."""
        return [self._extractor(text) for text in texts]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask to (B, D) unit vectors."""
        vectors: Tensor = self.module(input_ids, attention_mask)
        return vectors


def shipped_checkpoint() -> Path:
    """Return the folder of the checkpoint that comes with this distribution."""
    return Path(str(files("harness_lamir"))) / "checkpoint"


def checkpoint_fingerprint(folder: Path) -> str:
    """Return the SHA-256 (64 hex digits) over the files of a checkpoint that decide a vector."""
    digest = hashlib.sha256()
    for name in _FILES:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def load(options: LamirOptions) -> LamirEncoder:
    """Load a checkpoint: the factory that the plugin names.

    Raises:
        UsageError: the folder lacks a file, or its parts do not belong together.
    """
    shipped = options.checkpoint is None
    folder = shipped_checkpoint() if options.checkpoint is None else Path(options.checkpoint)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise UsageError(
            f"lamir: checkpoint {folder} has no {', '.join(missing)}",
            hint="Name a folder that `harness train lamir` wrote: -o checkpoint=FOLDER",
        )
    try:
        extractor = FeatureExtractor.load(folder)
        with no_progress_bars():
            module = LamirModel.from_pretrained(folder, dtype="float32", use_safetensors=True)
    except (ValueError, OSError, RuntimeError, SafetensorError) as error:
        raise UsageError(f"lamir: checkpoint {folder} cannot be loaded: {error}") from error
    if module.config.vocab_size != extractor.size:
        raise UsageError(
            f"lamir: checkpoint {folder} has {module.config.vocab_size} embeddings for {extractor.size} features",
            hint="Its files come from different runs; train again, or copy the whole folder.",
        )
    recipe = _recipe(folder)
    info = EncoderInfo(
        name="lamir",
        dim=module.config.dim,
        fingerprint=checkpoint_fingerprint(folder),
        max_tokens=extractor.config.max_features,
        training_datasets=TRAINING_DATASETS if shipped else recipe[1],
        model=recipe[0],
        licence=recipe[2],
    )
    return LamirEncoder(module, extractor, info, options)


def _recipe(folder: Path) -> tuple[str | None, tuple[str, ...] | None, str | None]:
    """Return name, sources and licence from the recipe beside the weights, if there is one."""
    path = folder / "recipe.json"
    if not path.is_file():
        return None, None, None
    content = json.loads(path.read_text(encoding="utf-8"))
    sources = {
        source["name"]: None
        for stream in content["streams"].values()
        if stream is not None
        for source in stream["sources"]
    }
    return content["name"], tuple(sources), content["licence"]

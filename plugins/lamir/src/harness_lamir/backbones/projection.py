"""A table of token embeddings from those of a transformer: looked up for another vocabulary, and projected by PCA."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import Tensor

from harness.encoders.pretrained import load_tokenizer
from harness.errors import UsageError
from harness_lamir.backbones.huggingface import embedding_table, load_model
from harness_lamir.backbones.locating import locate

__all__ = ["input_embeddings", "project"]

_WORD_START = ("▁", "Ġ")  # of Metaspace and of byte-level tokenizers
_CONTINUATION = "##"  # of WordPiece


def input_embeddings(model: str, tokenizer: Tokenizer) -> Tensor:
    """Return rows (V, H) float32 for a tokenizer's V tokens from a transformer's input embeddings.

    With the transformer's own vocabulary these are its rows. For another one, a token is spelt out, cut by the
    transformer's tokenizer, and gets the mean of its pieces' rows.

    Args:
        model: a folder, or a hub id with its commit (`owner/name@commit`).
        tokenizer: the vocabulary that rows are wanted for.

    Raises:
        UsageError: the transformer cannot be loaded.
    """
    folder = locate(model, None, where="backbone.init")
    own = load_tokenizer(folder)
    table = embedding_table(load_model(folder)).detach()  # (V', H)
    vocabulary = tokenizer.get_vocab()
    size = max(vocabulary.values()) + 1
    if own.get_vocab() == vocabulary:
        return table[:size]
    rows = table.mean(dim=0).repeat(size, 1)  # what no piece is known of starts in the middle
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    pieces = own([_spelt(token) for token in tokens], add_special_tokens=False)["input_ids"]
    for token, ids in zip(tokens, pieces, strict=True):
        known = [i for i in ids if i != own.unk_token_id]
        if known:
            rows[vocabulary[token]] = table[known].mean(dim=0)
    return rows


def project(rows: Tensor, dim: int) -> Tensor:
    """Return the first `dim` principal components (V, dim) float32 of rows (V, H), scaled to a mean length of one.

    The sign of a component is chosen so that its largest loading is positive: an eigenvector has none of its own.

    Raises:
        UsageError: there are fewer than `dim` components.
    """
    most = min(rows.shape)
    if dim > most:
        raise UsageError(f"backbone.dim: {dim} dimensions from embeddings of {most}", hint=f"At most {most}.")
    centred = rows.double() - rows.double().mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)  # eigenvalues ascending
    components = vectors[:, -dim:].flip(1)  # (H, dim)
    largest = components.gather(0, components.abs().argmax(dim=0, keepdim=True))  # (1, dim)
    projected = centred @ (components * largest.sign())
    scaled: Tensor = projected / projected.norm(dim=1).mean().clamp(min=1e-12)
    return scaled.float()


def _spelt(token: str) -> str:
    """Return a token as it stands in a text."""
    for mark in _WORD_START:
        token = token.replace(mark, " ")
    return token.removeprefix(_CONTINUATION).strip()

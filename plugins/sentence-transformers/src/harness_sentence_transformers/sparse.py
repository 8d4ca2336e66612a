"""Learned sparse retrieval: a text becomes weights on the entries of a vocabulary, searched by an inverted index.

SPLADE (Formal et al., SIGIR 2021, arXiv:2107.05720; v2: arXiv:2109.10086) takes them from a masked language model: the
weight of entry j is the maximum, or the sum, over the tokens i of log(1 + ReLU(logit_ij)). Models free of inference
on the query side (arXiv:2411.04403) look a query's tokens up in a table and run the network on passages alone.
sentence-transformers does the encoding; the search is exact (`harness_sentence_transformers.inverted`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from harness._util import fingerprint
from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.protocols import EncoderInfo, FloatArray, IntArray, Role
from harness.encoders.text import without_surrogates
from harness.encoders.weights import locate
from harness.errors import EncoderContractError, UsageError
from harness_sentence_transformers.family import require_family
from harness_sentence_transformers.inverted import InvertedIndex
from harness_sentence_transformers.loading import input_modules, limit_inputs
from harness_sentence_transformers.plugin import SparseEncoderOptions
from harness_sentence_transformers.prompts import choose_prompt

#: Passages in one block of the index; their texts, but not their logits, are in memory together.
_BLOCK = 8_192


class SparseSearcher:
    """A SparseEncoder of sentence-transformers with an exact inverted index over its vectors.

    Raises UsageError for a model that is none or cannot be loaded, and for options that it cannot have.
    """

    def __init__(self, options: SparseEncoderOptions) -> None:
        from sentence_transformers import SparseEncoder

        weights = locate(options.model, options.revision, trust_remote_code=options.trust_remote_code)
        require_family(weights.folder, options.model, "SparseEncoder", "ForMaskedLM")
        device = resolve_device(options.device)
        dtype = resolve_dtype(options.dtype, device)
        try:
            self._model: Any = SparseEncoder(
                str(weights.folder),
                device=str(device),
                trust_remote_code=options.trust_remote_code,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": dtype},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UsageError(f"model {options.model!r} could not be loaded: {error}") from error
        self._cosine = _is_cosine(self._model, options.model)
        max_tokens = _cut(self._model, options)
        self._batch_size = options.batch_size
        self._active: dict[Role, int | None] = {
            "query": options.query_max_active_dims or self._model.max_active_dims,
            "passage": options.passage_max_active_dims or self._model.max_active_dims,
        }
        own: dict[str, str] = self._model.prompts or {}
        prompts: dict[Role, str] = {
            "query": choose_prompt(own, "query", options.query_prompt, None),
            "passage": choose_prompt(own, "passage", options.passage_prompt, None),
        }
        self._index: InvertedIndex | None = None
        self._info = EncoderInfo(
            name=options.name or weights.name,
            dim=0,
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "sparse-encoder/1",
                    "weights": weights.fingerprint,
                    "max_tokens": options.max_tokens,
                    "active": self._active,
                    "prompts": prompts,
                }
            ),
            similarity="cosine" if self._cosine else "dot",
            normalized=self._cosine,
            max_tokens=max_tokens,
            prompts=prompts,
            model=weights.name if weights.revision is None else options.model,
            revision=weights.revision,
            licence=getattr(self._model.model_card_data, "license", None),
            device=str(device),
            dtype=str(dtype).removeprefix("torch."),
        )
        self._try_roles(options.model)

    @property
    def info(self) -> EncoderInfo:
        """Facts about this searcher."""
        return self._info

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Encode `passages` block by block into a new index; any language is taken alike.

        Raises EncoderContractError where the network gives a weight that is not finite, and leaves the former index.
        """
        index: InvertedIndex | None = None
        for start in range(0, len(passages), _BLOCK):
            block = self._vectors([str(text) for text in passages[start : start + _BLOCK]], "passage")
            index = index or InvertedIndex(block.shape[1])
            index.add(block)
        self._index = index or InvertedIndex(0)

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[IntArray, FloatArray]:
        """The best `k` passages of each query that share an entry with it.

        Returns positions (n, k) int64, −1 past the last hit, and scores (n, k) float32, 0 there. Equal scores are
        ordered by position. Raises RuntimeError before the first `index`.
        """
        if self._index is None:
            raise RuntimeError("index() must come before search()")
        if not len(queries) or not len(self._index):
            return np.full((len(queries), k), -1, dtype=np.int64), np.zeros((len(queries), k), dtype=np.float32)
        return self._index.search(self._vectors(list(queries), "query"), k)

    def _vectors(self, texts: list[str], role: Role) -> sparse.csr_array:
        """Sparse vectors (len(texts), vocabulary) float32, in the order of `texts`.

        One batch at a time is dense: batch × vocabulary.
        """
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        order = np.argsort([-len(text) for text in texts], kind="stable")
        parts = []
        for start in range(0, len(texts), self._batch_size):
            batch = [without_surrogates(texts[i]) for i in order[start : start + self._batch_size].tolist()]
            dense = encode(
                batch,
                prompt=self.info.prompts[role],
                batch_size=len(batch),
                max_active_dims=self._active[role],
                convert_to_sparse_tensor=False,
                save_to_cpu=True,
                show_progress_bar=False,
            )
            rows = dense.float().numpy()
            if not np.isfinite(rows).all():
                raise EncoderContractError(
                    f"sparse encoder {self.info.name!r} gave a weight that is not finite",
                    "In half precision a weight may overflow: use dtype=float32.",
                )
            parts.append(sparse.csr_array(_unit(rows) if self._cosine else rows))
        # indexing by the inverse of the permutation puts every row where its text stands
        return sparse.csr_array(sparse.vstack(parts, format="csr"))[np.argsort(order)]

    def _try_roles(self, model: str) -> None:
        """Raise UsageError unless the model takes texts of either role to one vocabulary."""
        sizes: dict[Role, int] = {}
        for role in ("query", "passage"):
            try:
                sizes[role] = self._vectors(["text"], role).shape[1]
            except ValueError as error:
                raise UsageError(f"model {model!r} has no route for the role {role}: {error}") from error
        if sizes["query"] != sizes["passage"]:
            raise UsageError(
                f"model {model!r}: queries have {sizes['query']} dimensions and passages {sizes['passage']}"
            )


def _cut(model: Any, options: SparseEncoderOptions) -> int | None:
    """Cut texts at `max_tokens`, or at the model's own limits; returns the greatest, None where none is set."""
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

    limit = limit_inputs(model, options.max_tokens, options.model)
    for module in input_modules(model):
        if isinstance(module, SparseStaticEmbedding):  # has a copy of its tokenizer's limit, which it does not look at
            module.tokenizer.model_max_length = module.max_seq_length
    return limit


def _unit(rows: FloatArray) -> FloatArray:
    """Rows (n, V) at length 1; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0)[:, None], dtype=np.float32)


def _is_cosine(model: Any, name: str) -> bool:
    """True when the model compares by cosine, False for inner products; UsageError for distances."""
    similarity = str(model.similarity_fn_name)
    if similarity not in ("cosine", "dot"):
        raise UsageError(f"model {name!r} compares by {similarity}; an inverted index takes dot or cosine")
    return similarity == "cosine"

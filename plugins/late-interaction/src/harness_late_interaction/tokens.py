"""Texts to token ids as a checkpoint was trained to see them.

A text is cut, and the marker of its role is put after the first token. Queries of ColBERT are filled up with [MASK],
which answers for terms that a query leaves out ("query augmentation", Khattab & Zaharia 2020, section 3.2): those
tokens are matched, and attended to where the checkpoint says so. Tokens of punctuation are read with a passage and
not matched.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from harness.encoders.protocols import Role
from harness.encoders.text import without_surrogates
from harness.errors import UsageError
from harness_late_interaction.checkpoint import Layout


@dataclass(frozen=True)
class Row:
    """One text: all its `ids`, how many of the first of them are `attended` to, and the places that are `kept`."""

    ids: list[int]
    attended: int
    kept: list[int]


@dataclass(frozen=True)
class Rules:
    """How texts become rows: what the checkpoint says, changed by options. Lengths count the marker."""

    query_length: int
    passage_length: int
    expand: bool
    attend_to_expansion: bool
    query_marker: int | None
    passage_marker: int | None
    filler: int | None
    skipped: frozenset[int]


def rules(
    layout: Layout,
    tokenizer: Any,
    *,
    positions: int | None,
    vocabulary: int,
    query_length: int | None,
    passage_length: int | None,
    expand: bool | None,
    skip_punctuation: bool | None,
) -> Rules:
    """The rules of a checkpoint with a user's changes; None keeps the checkpoint's.

    Raises UsageError for lengths beyond the encoder's `positions`, for a marker that the tokenizer does not know, and
    for ids outside the `vocabulary`.
    """
    most = min(x for x in (positions, _most(tokenizer), 1 << 20) if x is not None)
    # Without a limit anywhere a text would be read whole; 512 tokens is what most encoders read.
    usual = 512 if most == 1 << 20 else most
    lengths = []
    for option, asked, own in (
        ("query_length", query_length, layout.query_length),
        ("passage_length", passage_length, layout.passage_length),
    ):
        if asked is not None and asked > most:
            raise UsageError(f"{option}={asked}: the model reads {most} tokens at most")
        lengths.append(min(most, asked or own or usual))
    expanding = layout.expand if expand is None else expand
    filler = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else tokenizer.eos_token_id
    if expanding and filler is None:
        raise UsageError("the tokenizer has no mask token to fill queries with", "Set expand_queries=false.")
    found = Rules(
        query_length=lengths[0],
        passage_length=lengths[1],
        expand=expanding,
        attend_to_expansion=expanding and layout.attend_to_expansion,
        query_marker=_marker_id(layout, tokenizer, layout.markers.query),
        passage_marker=_marker_id(layout, tokenizer, layout.markers.passage),
        filler=filler if expanding else None,
        skipped=frozenset(_skipped(layout, tokenizer, skip_punctuation)),
    )
    highest = max(x for x in (found.query_marker, found.passage_marker, found.filler, 0) if x is not None)
    if highest >= vocabulary:
        raise UsageError(f"the checkpoint uses token {highest}, and its embeddings end at {vocabulary - 1}")
    return found


def tokenize(texts: Sequence[str], role: Role, rules: Rules, tokenizer: Any) -> list[Row]:
    """A row for each text, with at least one token that is kept."""
    if not texts:
        return []
    query = role == "query"
    length = rules.query_length if query else rules.passage_length
    marker = rules.query_marker if query else rules.passage_marker
    room = length - (marker is not None)
    clean = [without_surrogates(text) for text in texts]
    rows = []
    for ids in tokenizer(clean, truncation=True, max_length=room, padding=False)["input_ids"]:
        row = list(ids)
        if marker is not None:
            row.insert(1, marker)
        if not row:  # an empty text and a tokenizer without special tokens
            row = [_nothing(tokenizer)]
        attended, kept = len(row), range(len(row))
        if query and rules.expand:
            row += [cast(int, rules.filler)] * (length - len(row))
            attended, kept = len(row) if rules.attend_to_expansion else attended, range(len(row))
        some = [i for i in kept if query or row[i] not in rules.skipped]
        rows.append(Row(row, attended, some or list(kept)))
    return rows


def _most(tokenizer: Any) -> int | None:
    """The tokenizer's own limit; transformers says 10³⁰ where there is none."""
    limit = tokenizer.model_max_length
    return int(limit) if isinstance(limit, int) and limit < 1 << 20 else None


def _nothing(tokenizer: Any) -> int:
    known = (tokenizer.unk_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    return next(int(id) for id in known if id is not None)


def _marker_id(layout: Layout, tokenizer: Any, marker: str | int | None) -> int | None:
    if marker is None or isinstance(marker, int):
        return marker
    found = tokenizer.get_vocab().get(marker)
    if found is None and layout.markers.unknown_allowed:
        found = tokenizer.unk_token_id
    if found is None:
        raise UsageError(
            f"model {layout.encoder}: the tokenizer has no token {marker!r}, with which the checkpoint marks texts",
            "Copy the whole folder of the model, with the tokenizer it was trained with.",
        )
    return int(found)


def _skipped(layout: Layout, tokenizer: Any, asked: bool | None) -> set[int]:
    """Ids of tokens that passages are matched without."""
    words = layout.skiplist
    if asked is not None:
        words = (words or tuple(string.punctuation)) if asked else ()
    if layout.skip_first_piece:
        pieces = [tokenizer.encode(word, add_special_tokens=False) for word in words]
        return {ids[0] for ids in pieces if ids}
    vocabulary = tokenizer.get_vocab()
    # A word that is no token is passed over: its id would be that of every unknown word.
    return {vocabulary[word] for word in words if word in vocabulary}

"""One optimiser step's gradients: rows to texts, texts to vectors, vectors to losses, and all the way back.

1. Every objective names the texts that it wants encoded. A text that occurs twice, in one objective or in two, is
   encoded once: requests are told apart by text, role and, where the encoder looks at it, language.
2. The texts are encoded. V, the (N, D) matrix of their vectors, becomes a leaf: a tensor without a past.
3. The objectives compute their losses from rows of V, and `backward` stops there: it yields dL/dV, (N, D), and the
   gradients of the objectives' own parameters.
4. dL/dV is sent through the encoder, which yields the gradients of its parameters.

Cutting the graph at V is what makes memory follow the chunk and not the batch, although every text is a negative of
every other. With `chunk`, step 2 encodes so many texts at a time and keeps no activations, and step 4 encodes each
chunk again, this time with its graph, and sends the chunk's rows of dL/dV through it: one more forward pass is the
price, and the gradient is that of the whole batch (gradient caching: Gao et al., "Scaling Deep Contrastive Learning
Batch Size under Memory Limited Setup", RepL4NLP 2021). Dropout must fall alike both times, so torch's generator is
seeded before every call of the encoder, by the step and the call's number, whether gradients are cached or not.

A batch is as wide as its longest text. An encoder that computes on padding cuts what it is given into parts of like
lengths (`Backbone.parts`), where that costs less than further calls; each part is a call of its own.

On several devices each process encodes a share of the texts in step 2 and differentiates it in step 4; V is gathered
in between (see `distributed`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from harness.encoders.protocols import Role
from harness_lamir.backbones.base import Backbone, Batch
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.blaming import blamed, scalar
from harness_lamir.training.distributed import ALONE, Group
from harness_lamir.training.modes import evaluation_mode
from harness_lamir.training.seeds import seed_of

__all__ = ["Chunk", "Losses", "Member", "chunks_of", "gradients", "key_of", "own_parameters"]


@dataclass(frozen=True)
class Member:
    """An objective of a run.

    Attributes:
        name: what logs call it; distinct within a run.
        objective: the module.
        weight: its factor in the total loss.
        streams: the stream of each slot.
        rng: its source of chance.
    """

    name: str
    objective: Objective
    weight: float
    streams: Mapping[str, str]
    rng: Random


@dataclass(frozen=True, slots=True)
class Losses:
    """What a step's losses were: unweighted by objective, their weighted sum, and how many texts were encoded."""

    by_name: dict[str, float]
    total: float
    texts: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Texts that are encoded together: one role, and positions among the distinct texts of the step."""

    role: Role
    positions: list[int]


@dataclass
class _Pool:
    """The distinct texts that one encoder is asked for, with the language of each."""

    encoder: Backbone
    seen: dict[tuple[str, Role, str | None], int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)

    def add(self, texts: Texts) -> list[int]:
        """Return where the vectors of `texts` will stand."""
        aware = getattr(self.encoder, "language_aware", False)
        rows = []
        for text, language in zip(texts.texts, texts.languages, strict=True):
            row = self.seen.setdefault((text, texts.role, language if aware else None), len(self.seen))
            if row == len(self.languages):
                self.languages.append(language)
            rows.append(row)
        return rows


def gradients(
    backbone: Backbone,
    members: Sequence[Member],
    rows: Mapping[str, Sequence[Any]],
    *,
    seed: int,
    chunk: int | None = None,
    group: Group = ALONE,
) -> Losses:
    """Add a step's gradients to the parameters of the backbone and of the objectives.

    Args:
        backbone: what is trained.
        members: the objectives.
        rows: what the streams gave, by stream.
        seed: decides dropout; another one for every step.
        chunk: texts encoded at a time, with gradient caching; None encodes at once and keeps the activations.
        group: the processes that share the work; all must be given the same arguments.

    Returns:
        The losses. They may not be finite; whoever steps must look.

    Raises:
        HarnessError: an objective raises something, or its loss is no scalar.
    """
    own = _Pool(backbone)
    teachers: dict[int, _Pool] = {}
    asked: list[tuple[Member, list[tuple[str, Texts, _Pool, list[int]]]]] = []
    for member in members:
        slots = {slot: rows[stream] for slot, stream in member.streams.items()}
        views = []
        with blamed(member.name, "texts"):
            for name, texts in member.objective.texts(slots, member.rng).items():
                teacher = member.objective.teacher(name)
                pool = own if teacher is None else teachers.setdefault(id(teacher), _Pool(teacher))
                views.append((name, texts, pool, pool.add(texts)))
        asked.append((member, views))

    trained = _Encoded(own, chunk, group, seed)
    leaf = trained.vectors.requires_grad_()  # (N, D)
    vectors = {id(own): leaf} | {id(pool): _taught(pool, chunk, group) for pool in teachers.values()}
    torch.manual_seed(seed_of(seed, "losses"))  # the same in every process
    keys: dict[str, int] = {}
    values: dict[str, float] = {}
    total = 0.0
    for member, views in asked:
        given = {
            name: View(
                vectors[id(pool)].index_select(0, torch.tensor(at, dtype=torch.int64, device=leaf.device)),
                torch.tensor([_remember(keys, text) for text in texts.texts], dtype=torch.int64, device=leaf.device),
                tuple(texts.languages),
            )
            for name, texts, pool, at in views
        }
        with blamed(member.name, "forward"):
            loss = scalar(member.objective(given))
        values[member.name] = float(loss.detach())
        total += member.weight * values[member.name]
        if loss.requires_grad:
            (member.weight * loss).backward()  # one by one: the graphs meet only in the leaf
    if leaf.grad is not None:
        trained.backward(leaf.grad)
    group.sum_gradients(backbone.parameters())
    for member in members:
        group.mean_gradients(own_parameters(member.objective, backbone))
    return Losses(values, total, sum(len(pool.seen) for pool in (own, *teachers.values())))


def own_parameters(objective: Objective, backbone: Backbone) -> list[nn.Parameter]:
    """The trained parameters of an objective that are not the backbone's."""
    known = {id(parameter) for parameter in backbone.parameters()}
    return [p for p in objective.parameters() if p.requires_grad and id(p) not in known]


def key_of(text: str) -> int:
    """The key of a text, a signed 64-bit number: equal for texts that are equal but for case and spacing."""
    folded = " ".join(text.casefold().split())
    digest = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def chunks_of(
    requests: Sequence[tuple[str, Role]], lengths: Sequence[int], chunk: int | None, rank: int = 0, size: int = 1
) -> list[Chunk]:
    """Cut the texts that a process encodes into chunks of one role, the longest texts first.

    Args:
        requests: the text and the role of every distinct text of the step.
        lengths: what each costs. Chunks are of like lengths, so that little is padding.
        chunk: texts in a chunk; None for one chunk of each role.
        rank: the process: it gets every size-th text, counted by length, so that all have about as much to do.
        size: how many processes there are.
    """
    order = sorted(range(len(requests)), key=lambda position: (requests[position][1], -lengths[position]))
    chunks: list[Chunk] = []
    for position in order[rank::size]:
        role = requests[position][1]
        if not chunks or chunks[-1].role != role or len(chunks[-1].positions) == chunk:
            chunks.append(Chunk(role, []))
        chunks[-1].positions.append(position)
    return chunks


class _Encoded:
    """The vectors of a pool, with what is needed to send gradients back through the encoder.

    Attributes:
        vectors: (N, D) of all processes, in the order of the pool, without a graph.
    """

    def __init__(self, pool: _Pool, chunk: int | None, group: Group, seed: int, *, trained: bool = True) -> None:
        self._encoder = pool.encoder
        self._group = group
        self._seed = seed
        requests = [(text, role) for text, role, _ in pool.seen]
        lengths = [0] * len(requests)
        if chunk or group.size > 1:
            lengths = pool.encoder.lengths([text for text, _ in requests])
        shares = [chunks_of(requests, lengths, chunk, rank, group.size) for rank in range(group.size)]
        self._parts = [part for piece in shares[group.rank] for part in _parts(pool, requests, piece)]
        self._kept: list[Tensor] = []
        keep = trained and chunk is None
        encoded: list[Tensor] = []
        for number in range(len(self._parts)):
            with torch.set_grad_enabled(keep):
                vectors = self._encode(number)
            encoded.append(vectors.detach())
            self._kept += [vectors] if keep else []
        mine = torch.cat(encoded) if encoded else torch.zeros(0, pool.encoder.dim, device=group.device)
        shared = [[position for piece in share for position in piece.positions] for share in shares]
        # Other processes know this one's chunks, and not how it cut them into parts.
        mine = _rows(mine, _places([p for positions, _ in self._parts for p in positions], shared[group.rank]))
        gathered = group.gather(mine, [len(positions) for positions in shared])
        self.vectors = _rows(gathered, _places([p for positions in shared for p in positions], range(len(requests))))

    def backward(self, slopes: Tensor) -> None:
        """Add the encoder's gradients, given dL/dV (N, D): of this process's rows."""
        if self._kept:
            kept = zip(self._kept, self._parts, strict=True)
            pairs = [(vectors, _rows(slopes, positions)) for vectors, (positions, _) in kept if vectors.requires_grad]
            torch.autograd.backward([vectors for vectors, _ in pairs], [slope for _, slope in pairs])
            return
        for number, (positions, _) in enumerate(self._parts):
            vectors = self._encode(number)
            if vectors.requires_grad:
                torch.autograd.backward(vectors, _rows(slopes, positions))

    def _encode(self, number: int) -> Tensor:
        """Encode a part of a chunk; dropout falls alike every time."""
        torch.manual_seed(seed_of(self._seed, self._group.rank, number))
        with self._group.autocast():
            return self._encoder(self._parts[number][1])  # type: ignore[no-any-return]


def _parts(pool: _Pool, requests: Sequence[tuple[str, Role]], piece: Chunk) -> list[tuple[list[int], Batch]]:
    """Tokenize a chunk, once for both passes, and cut it as its encoder likes: positions in the pool, and batches."""
    batch = pool.encoder.tokenize(
        [requests[position][0] for position in piece.positions],
        role=piece.role,
        languages=[pool.languages[position] for position in piece.positions],
    )
    parts = pool.encoder.parts(batch, len(piece.positions))
    return [([piece.positions[row] for row in rows], part) for rows, part in parts]


def _places(present: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Where each of `wanted` stands in `present`, which has the same numbers in another order."""
    places = {position: place for place, position in enumerate(present)}
    return [places[position] for position in wanted]


def _rows(matrix: Tensor, rows: Sequence[int]) -> Tensor:
    """Return the rows of a matrix with these numbers."""
    return matrix.index_select(0, torch.tensor(rows, dtype=torch.int64, device=matrix.device))


def _taught(pool: _Pool, chunk: int | None, group: Group) -> Tensor:
    """Encode a teacher's texts, without gradient and without dropout: (N, D)."""
    with evaluation_mode(pool.encoder):
        return _Encoded(pool, chunk, group, 0, trained=False).vectors


def _remember(keys: dict[str, int], text: str) -> int:
    """Return the key of a text, computed once."""
    if text not in keys:
        keys[text] = key_of(text)
    return keys[text]

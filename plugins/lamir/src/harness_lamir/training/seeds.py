"""Random draws that depend on the recipe's seed and a name, and on nothing that happened before.

Every stream and every objective has a generator of its own, so that switching one off leaves the draws of the others
as they were. Torch's generator is seeded anew before every piece of a step that may draw from it: what a step draws
then follows from its number, and a run that resumes, caches gradients or runs on several devices needs no copy of it.
"""

from __future__ import annotations

import hashlib
from random import Random

__all__ = ["generator", "seed_of"]


def seed_of(*parts: int | str) -> int:
    """A seed in 0 … 2**63 − 1 for `parts`, the same in every process and on every machine."""
    text = "\0".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*parts: int | str) -> Random:
    """A generator that starts at `seed_of(*parts)`."""
    return Random(seed_of(*parts))

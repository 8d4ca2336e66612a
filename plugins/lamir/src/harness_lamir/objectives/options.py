"""The options of the objectives that come with the package: the keys beside `use` in a recipe's entry.

Imports no torch: a recipe is checked before anything heavy is loaded. The defaults are ours but for those whose source
is named; the values of Hu et al. (Findings of ACL 2023) are not known to us.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.plugins import ObjectiveOptions

__all__ = [
    "CcpOptions",
    "CroppingOptions",
    "DistilOptions",
    "IrOptions",
    "JsdOptions",
    "LanguageOptions",
    "OneToKOptions",
    "SemanticOptions",
]

Temperature = Annotated[float, Field(gt=0, allow_inf_nan=False, description="τ, the divisor of similarities")]


class IrOptions(ObjectiveOptions):
    """Options of `ir`."""

    temperature: Temperature = 0.05
    hard_negatives: int | None = Field(
        None, ge=0, description="hard negatives of a question at most; by default all that its row carries"
    )


class SemanticOptions(ObjectiveOptions):
    """Options of `semantic`."""

    temperature: Temperature = 0.05
    pool: Literal["other-side", "2n"] = Field(
        "other-side", description="where negatives come from: the other side, or all 2N sentences of the batch"
    )


class LanguageOptions(ObjectiveOptions):
    """Options of `language`."""

    temperature: Temperature = 0.05


class OneToKOptions(ObjectiveOptions):
    """Options of `one_to_k`."""

    temperature: Temperature = 0.05
    k: int | None = Field(None, ge=1, description="positives of an anchor at most; by default all of its row")
    anchor: str = Field("en", min_length=1, description="language of anchors; a row without it has its first text")


class JsdOptions(ObjectiveOptions):
    """Options of `jsd`."""

    temperature: Temperature = 0.05
    vector_temperature: float = Field(
        0.05, gt=0, allow_inf_nan=False, description="divisor of a unit vector before its softmax"
    )
    distance_weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="factor on √JSD")


class CroppingOptions(ObjectiveOptions):
    """Options of `cropping`; momentum and temperature as recalled from Izacard et al. (2022)."""

    temperature: Temperature = 0.05
    shortest: float = Field(0.1, gt=0, le=1, description="share of a text that a crop has at least")
    longest: float = Field(0.5, gt=0, le=1, description="share of a text that a crop has at most")
    window: int = Field(256, ge=2, description="words (or characters) of a long text that both crops are cut from")
    queue: int = Field(0, ge=0, description="negatives kept from earlier steps (MoCo); 0 has in-batch negatives alone")
    momentum: float = Field(0.999, ge=0, lt=1, description="share of its weights that the momentum encoder keeps")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse an empty range of lengths."""
        if self.shortest > self.longest:
            raise ValueError(f"shortest {self.shortest} exceeds longest {self.longest}")
        return self


class CcpOptions(ObjectiveOptions):
    """Options of `ccp`."""

    temperature: Temperature = 0.05
    radius: int = Field(2, ge=1, description="sentences before and after the centre that count as its context")
    bank: int = Field(1024, ge=0, description="context vectors kept of each language; 0 for in-batch negatives alone")
    head: int = Field(256, ge=0, description="dimensions of the projection head; 0 trains without a head")


class DistilOptions(ObjectiveOptions):
    """Options of `distil`."""

    teacher: str = Field(min_length=1, description="folder of the teacher, `package:NAME/FOLDER`, or hub id")
    revision: str | None = Field(None, description="commit of a hub id; a branch is refused, because it moves")
    temperature: Temperature = 0.05
    teacher_temperature: float = Field(
        0.05, gt=0, allow_inf_nan=False, description="divisor of the teacher's similarities"
    )

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        """Refuse a hub id that is not pinned."""
        commit = self.revision or self.teacher.partition("@")[2]
        local = self.teacher.startswith("package:") or Path(self.teacher).expanduser().exists()
        if not local and not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise ValueError(
                f"teacher {self.teacher!r} is no folder, and a hub id needs `revision`, a commit of 40 digits"
            )
        return self

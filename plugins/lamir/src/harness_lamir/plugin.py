"""What this distribution adds to the harness. Light on purpose: it imports no torch."""

from __future__ import annotations

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, ObjectiveSpec, TrainerSpec, hookimpl
from harness_lamir.objectives import options

#: What the shipped checkpoint was trained on, as its recipe names the sources, and the teacher of its English rows.
TRAINING_DATASETS = (
    "afriqa-train",
    "wordnet-definitions",
    "tatoeba",
    "tico-19",
    "quran-json",
    "open-multilingual-wordnet",
    "wikipedia-titles",
    "cldr",
    "openstreetmap-tagging",
    "all-MiniLM-L6-v2 (teacher)",
)


class LamirOptions(EncoderOptions):
    """Options of the encoder `lamir`."""

    checkpoint: str | None = Field(
        default=None,
        description="folder written by `harness train lamir`; the shipped one by default",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: str = Field(default="auto", description="auto, float32, bfloat16 or float16")
    batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="tokens per batch, padding included, which bounds the memory; by default what suits the backbone",
    )


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """Declare the encoder `lamir`."""
    return [
        EncoderSpec(
            name="lamir",
            factory="harness_lamir.encoder:load",
            options=LamirOptions,
            training_datasets=TRAINING_DATASETS,
            summary="every word a mixture of English stems, learnt from parallel text and trained with LAMIR",
        )
    ]


@hookimpl
def harness_trainers() -> list[TrainerSpec]:
    """Declare the trainer `lamir`, the verb `harness train lamir`."""
    return [
        TrainerSpec(
            name="lamir",
            command="harness_lamir.cli:train",
            summary="train an encoder with the losses of LAMIR and its like",
        )
    ]


@hookimpl
def harness_objectives() -> list[ObjectiveSpec]:
    """Declare the objectives that recipes name; `docs/objectives.md` describes them."""
    return [
        ObjectiveSpec(
            name="ir",
            factory="harness_lamir.objectives.ir:Ir",
            options=options.IrOptions,
            slots={"pairs": "ir"},
            summary="a question finds its passage among those of the batch and hard negatives (InfoNCE)",
        ),
        ObjectiveSpec(
            name="semantic",
            factory="harness_lamir.objectives.semantic:Semantic",
            options=options.SemanticOptions,
            slots={"pairs": "parallel"},
            summary="a sentence finds its translation, in both directions (semaCL)",
        ),
        ObjectiveSpec(
            name="language",
            factory="harness_lamir.objectives.language:Language",
            options=options.LanguageOptions,
            slots={"pairs": "parallel", "texts": "text"},
            collapses=True,
            summary="a text is equally far from both sides of a translation (langCL)",
        ),
        ObjectiveSpec(
            name="one_to_k",
            factory="harness_lamir.objectives.one_to_k:OneToK",
            options=options.OneToKOptions,
            slots={"texts": "multiway"},
            summary="an anchor finds its translations into K languages at once, and they find it",
        ),
        ObjectiveSpec(
            name="jsd",
            factory="harness_lamir.objectives.jsd:Jsd",
            options=options.JsdOptions,
            slots={"triplets": "triplet"},
            summary="a passage and its translation agree in distribution, and English questions find the translation",
        ),
        ObjectiveSpec(
            name="cropping",
            factory="harness_lamir.objectives.cropping:Cropping",
            options=options.CroppingOptions,
            slots={"texts": "text"},
            summary="two random crops of one text find each other (mContriever)",
        ),
        ObjectiveSpec(
            name="ccp",
            factory="harness_lamir.objectives.ccp:Ccp",
            options=options.CcpOptions,
            slots={"documents": "document"},
            summary="a sentence finds a sentence of its context among others of its language",
        ),
        ObjectiveSpec(
            name="distil",
            factory="harness_lamir.objectives.distil:Distil",
            options=options.DistilOptions,
            slots={"pairs": "parallel"},
            summary="similarities within the batch follow those of an English teacher",
        ),
    ]

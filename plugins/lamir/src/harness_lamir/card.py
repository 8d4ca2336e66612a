"""The model card: what a checkpoint is, what it was made from, and how to make it again.

It holds no date, no host and no absolute path: the same run writes the same card.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import yaml

from harness_lamir import __version__
from harness_lamir.corpus import FileRecord
from harness_lamir.recipe import Recipe

if TYPE_CHECKING:
    from harness_lamir.train import HeldOut, Step

__all__ = ["model_card"]

_LIBRARIES = ("torch", "transformers", "tokenizers", "anyascii")

_CITATION = (
    'Hu et al., "Language Agnostic Multilingual Information Retrieval with Contrastive Learning", Findings of ACL 2023'
)


def model_card(
    recipe: Recipe,
    files: Sequence[FileRecord],
    features: int,
    last: Step,
    heldout: HeldOut | None,
    command: str,
) -> str:
    """Return the card of a trained model, as Markdown with a YAML header.

    Args:
        recipe: the recipe it was trained with.
        files: what was read.
        features: rows of the embedding table.
        last: the losses of the last step.
        heldout: what was measured on held-out translations, if anything.
        command: what was typed to train it.
    """
    header = yaml.safe_dump(
        {"license": recipe.licence, "library_name": "harness-lamir", "tags": ["lamir"]},
        sort_keys=False,
    )
    sections = [
        f"---\n{header}---\n\n# {recipe.name}\n\n{recipe.summary}".rstrip(),
        f"A static bag of features, {features:,} of them, each with weights. {_halves(recipe)} It was trained with "
        f"the three losses of {_CITATION}. Data, sizes and settings are this recipe's own; no figure here is the "
        "paper's.",
        "## Use\n\n    harness run --encoder lamir -o checkpoint=FOLDER",
        "## Training\n\n"
        f"    {command}\n\n"
        f"Seed {recipe.seed}, {recipe.steps:,} steps, CPU threads: {recipe.threads}; "
        f"with harness-lamir {__version__}, "
        + ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
        + ". The same recipe, data and versions on the same kind of processor give the same "
        "bytes.\n\n"
        f"Losses at the last step: IR {last.ir:.4f}, semantic {last.semantic:.4f}, language "
        f"{last.language:.4f} (its least value is 2 ln 2 = 1.3863), total {last.total:.4f}.",
        _measured(heldout),
        _data(recipe, files),
        "## Recipe\n\n```yaml\n"
        + yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=96)
        + "```",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _halves(recipe: Recipe) -> str:
    """Return what a vector is made of."""
    model = recipe.model
    learned = f"{model.semantic_dim} dimensions are learned embeddings"
    if not model.lexical_dim:
        return f"All {learned}."
    return (
        f"{learned}; {model.lexical_dim:,} are fixed hashed places, whose weights alone are learned, and contribute "
        f"{model.lexical_share:g} of a cosine."
    )


def _measured(heldout: HeldOut | None) -> str:
    """Return what the training command measured by itself."""
    if heldout is None:
        return ""
    return (
        "## Measured\n\n"
        f"By the training command, on {heldout.pairs:,} translations drawn from the parallel "
        "stream before training and kept out of it: the share of sentences whose nearest neighbour "
        f"on the other side is their own translation was {heldout.before:.3f} before and "
        f"{heldout.after:.3f} after. (Their English sides may occur in training with a "
        "translation into another language.)"
    )


def _data(recipe: Recipe, files: Sequence[FileRecord]) -> str:
    """Return the sources with their licences, then each file with its fingerprint."""
    sources: dict[tuple[str, str, str], list[FileRecord]] = {}
    for file in files:
        sources.setdefault((file.stream, file.source, file.licence), []).append(file)
    lines = [
        "## Data",
        "",
        "| stream | source | licence | files | rows |",
        "|---|---|---|---|---|",
        *(
            f"| {stream} | {source} | {licence} | {len(group)} | {sum(f.rows for f in group):,} |"
            for (stream, source, licence), group in sources.items()
        ),
        "",
    ]
    if recipe.forbidden:
        dropped = sum(file.dropped for file in files)
        lines += [
            f"Kept apart from: {', '.join(f'`{name}`' for name in recipe.forbidden)}. No file in "
            "there was read for training, and no row that holds a text equal to one of theirs "
            f"(after NFKC, case and space folding) was used; {dropped:,} rows were left "
            "out for it.",
            "",
        ]
    lines += [
        "<details><summary>Every file, relative to the data folder</summary>",
        "",
        "| file | rows used | rows left out | SHA-256 |",
        "|---|---|---|---|",
    ]
    unique = {file.path: file for file in files}
    lines += [f"| {file.path} | {file.rows} | {file.dropped} | `{file.sha256}` |" for file in unique.values()]
    return "\n".join([*lines, "", "</details>"])

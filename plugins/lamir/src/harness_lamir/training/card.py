"""The model card: what a model is, what it was made from, how to make it again, and how to use it.

It holds no date, no host and no absolute path: the same run writes the same card. It knows a run by the plain facts in
`CardFacts`, and nothing of whoever trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import yaml

from harness_lamir import __version__
from harness_lamir.recipe import Recipe

if TYPE_CHECKING:
    from harness_lamir.data.loading import FileRecord
    from harness_lamir.training.heldout import HeldOut
    from harness_lamir.training.state import Progress

__all__ = ["CardFacts", "model_card", "resolved_recipe"]

_LIBRARIES = ("lamir-harness", "torch", "transformers", "tokenizers", "safetensors", "accelerate", "anyascii")

#: Keys of a recipe whose values are no paths, whatever they begin with.
_PROSE = frozenset({"name", "summary", "licence", "prompts"})

_CITATION = (
    'Hu et al., "Language Agnostic Multilingual Information Retrieval with Contrastive Learning", Findings of ACL 2023'
)


@dataclass(frozen=True)
class CardFacts:
    """What a card tells.

    Attributes:
        recipe: what was done.
        files: what was read.
        languages: the languages of the text that was trained on.
        progress: steps, last losses, scores.
        heldout: what was measured on held-out translations, if anything.
        command: what was typed.
        dim: dimensions of a vector.
        parameters: how many numbers were there to train.
        sentence_transformers: whether the folder loads there.
        own_module: whether it takes a module of this distribution to do so.
        processes: how many processes trained together.
    """

    recipe: Recipe
    files: Sequence[FileRecord]
    languages: Sequence[str]
    progress: Progress
    heldout: HeldOut | None
    command: str
    dim: int
    parameters: int
    sentence_transformers: bool
    own_module: bool = False
    processes: int = 1


def model_card(facts: CardFacts) -> str:
    """Return the card of a trained model, as Markdown with a YAML header."""
    recipe = facts.recipe
    header: dict[str, Any] = {"license": recipe.licence}
    if facts.languages:
        header["language"] = list(facts.languages)
    header["library_name"] = "sentence-transformers" if facts.sentence_transformers else "lamir-harness"
    header["pipeline_tag"] = "sentence-similarity"
    header["tags"] = ["lamir", "feature-extraction", "retrieval", "multilingual"]
    sections = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n\n# {recipe.name}\n\n"
        f"{recipe.summary}".rstrip(),
        f"An encoder of questions and passages: vectors of {facts.dim:,} dimensions, unit length, compared by their "
        f"dot product; {facts.parameters:,} parameters (backbone `{recipe.backbone.kind}`). Trained with the trainer "
        f"of harness-lamir, after {_CITATION}. Data, sizes and settings are this recipe's own; no figure here is the "
        "paper's.",
        _use(facts),
        _training(facts),
        _measured(facts),
        _data(facts),
        "## Recipe\n\n```yaml\n"
        + yaml.safe_dump(resolved_recipe(recipe), sort_keys=False, allow_unicode=True, width=96)
        + "```",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def resolved_recipe(recipe: Recipe) -> dict[str, Any]:
    """The recipe with all defaults, as it may be published: of absolute paths only the last component."""
    content: dict[str, Any] = _portable(recipe.model_dump(mode="json"))
    return content


def _portable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item if key in _PROSE else _portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item) for item in value]
    if isinstance(value, str) and (value.startswith(("/", "~")) or value[1:3] == ":\\"):
        return value.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return value


def _use(facts: CardFacts) -> str:
    """How to use the folder, in each library that reads it."""
    lines = [
        "## Use",
        "",
        "With lamir-harness, to measure it:",
        "",
        "    harness run --encoder lamir -o checkpoint=FOLDER",
    ]
    kind = facts.recipe.backbone.kind
    if facts.sentence_transformers:
        own = facts.own_module  # sentence-transformers imports it once told that it may
        lines += [
            "",
            "With sentence-transformers, where harness-lamir is installed:" if own else "With sentence-transformers:",
            "",
            "```python",
            "from sentence_transformers import SentenceTransformer",
            "",
            f'model = SentenceTransformer("FOLDER"{", trust_remote_code=True" if own else ""})',
            'queries = model.encode_query(["Where does the Nile begin?"])',
            'passages = model.encode_document(["Mto Nile unaanzia Afrika ya Mashariki."])',
            "print(queries @ passages.T)",
            "```",
        ]
    if kind in ("transformer", "scratch"):
        pooling = getattr(facts.recipe.backbone, "pooling", "mean")
        pooled = "states[:, 0]" if pooling == "cls" else "(states * mask).sum(1) / mask.sum(1)"
        lines += [
            "",
            "With transformers alone (prompts, where the recipe has any, go before the text):",
            "",
            "```python",
            "import torch",
            "from transformers import AutoModel, AutoTokenizer",
            "",
            'tokenizer, model = AutoTokenizer.from_pretrained("FOLDER"), AutoModel.from_pretrained("FOLDER")',
            f'batch = tokenizer(["Where does the Nile begin?"], padding=True, truncation=True, '
            f'max_length={getattr(facts.recipe.backbone, "max_tokens", 256)}, return_tensors="pt")',
            "with torch.no_grad():",
            "    states = model(**batch).last_hidden_state",
            'mask = batch["attention_mask"].unsqueeze(-1)',
            f"vectors = torch.nn.functional.normalize({pooled}, dim=-1)",
            "```",
        ]
    elif facts.own_module:
        lines += [
            "",
            "With harness-lamir alone:",
            "",
            "```python",
            "from pathlib import Path",
            "",
            "import torch",
            "from harness_lamir.backbones.building import load_backbone",
            "",
            "with torch.no_grad():",
            '    vectors = load_backbone(Path("FOLDER")).encode(["Where does the Nile begin?"], role="query")',
            "```",
        ]
    return "\n".join(lines)


def _training(facts: CardFacts) -> str:
    """The command, what it ran with, and the losses it ended at."""
    recipe, progress = facts.recipe, facts.progress
    versions = ", ".join(f"{name} {found}" for name in _LIBRARIES if (found := _version(name)))
    steps = f"{progress.step:,} steps"
    if progress.step < recipe.steps:
        steps += f" of {recipe.steps:,} (stopped early)"
    together = f", {facts.processes} processes" if facts.processes > 1 else ""
    rows = [f"| {entry.use} | {entry.weight:g} | {_options(_portable(entry.options))} |" for entry in recipe.active]
    losses = ", ".join(f"{name} {value:.4f}" for name, value in progress.losses.items())
    return "\n".join(
        [
            "## Training",
            "",
            f"    {facts.command}",
            "",
            f"Seed {recipe.seed}, {steps}, CPU threads: {recipe.runtime.threads}, precision "
            f"{recipe.runtime.precision}{together}; with harness-lamir {__version__}, {versions}. The same recipe, "
            "data and versions on the same kind of processor give the same weights.",
            "",
            "| objective | weight | options |",
            "|---|---|---|",
            *rows,
            "",
            f"Losses at the last step: {losses}; weighted sum {progress.total:.4f}.",
        ]
    )


def _options(options: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in options.items()) or "defaults"


def _measured(facts: CardFacts) -> str:
    """What the training command measured by itself."""
    parts = []
    settings = facts.recipe.evaluation
    best = facts.progress.best
    if settings is not None and best is not None:
        shown = best if settings.keep_best else facts.progress.scores[-1]
        limited = f", the first {settings.limit} questions of each" if settings.limit else ""
        which = "the best of them, whose weights these are" if settings.keep_best else "the last"
        parts += [
            f"Zero-shot on `{_portable(settings.source)}`{limited}, every {settings.every:,} steps: "
            f"{len(facts.progress.scores)} evaluations; shown is {which}, after step {shown.step:,}. These scores "
            "chose when to stop and what to keep, so they are no test result.",
            "\n".join(
                [
                    "| subset | main metric |",
                    "|---|---|",
                    *(f"| {label} | {value:.4f} |" for label, value in shown.subsets.items()),
                    f"| mean | {shown.mean:.4f} |",
                ]
            ),
        ]
    if facts.heldout is not None:
        parts.append(
            f"On {facts.heldout.pairs:,} translations drawn from the parallel text before training and kept out of "
            "it: the share of sentences whose nearest neighbour on the other side is their own translation was "
            f"{facts.heldout.before:.3f} before and {facts.heldout.after:.3f} after. (Either side may occur in "
            "training by itself, or with another translation.)"
        )
    return "\n\n".join(["## Measured while training", *parts]) if parts else ""


def _data(facts: CardFacts) -> str:
    """The sources with their licences, then each file with its fingerprint."""
    sources: dict[tuple[str, str, str], list[FileRecord]] = {}
    for file in facts.files:
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
    recipe = facts.recipe
    if recipe.forbidden:
        exact, near = sum(file.exact for file in facts.files), sum(file.near for file in facts.files)
        others = ""
        if recipe.near_duplicates is not None:
            others = f", and {near:,} rows for a text that has {recipe.near_duplicates:.0%} of its word 5-grams in one"
        lines += [
            f"Kept apart from: {', '.join(f'`{_portable(name)}`' for name in recipe.forbidden)}. No file in there was "
            f"read for training. {exact:,} rows were left out for a text that equals one of theirs (but for case, "
            f"width and spacing){others}.",
            "",
        ]
    lines += [
        "<details><summary>Every file, relative to the data folder</summary>",
        "",
        "| stream | file | rows used | left out | duplicates | SHA-256 |",
        "|---|---|---|---|---|---|",
        *(
            f"| {file.stream} | {file.path} | {file.rows} | {file.dropped} | {file.duplicates} | `{file.sha256}` |"
            for file in facts.files
        ),
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

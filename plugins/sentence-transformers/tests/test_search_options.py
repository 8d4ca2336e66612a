"""The README's tables of options are the schemas."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_sentence_transformers.plugin import CrossEncoderOptions, SentenceTransformerOptions, SparseEncoderOptions

from harness.plugins import EncoderOptions

README = Path(__file__).parent.parent / "README.md"


def rows(options: type[EncoderOptions]) -> list[str]:
    """A table row for each option: its name, its default as it is typed, its description."""
    table = []
    for name, field in options.model_fields.items():
        if field.is_required():
            default = " required "
        elif field.default is None:
            default = " "
        else:
            typed = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            default = f" `{typed}` "
        table.append(f"| `{name}` |{default}| {field.description} |")
    return table


@pytest.mark.parametrize(
    ("section", "options"),
    [
        ("Dense encoders", SentenceTransformerOptions),
        ("Sparse encoders", SparseEncoderOptions),
        ("Cross-encoders", CrossEncoderOptions),
    ],
)
def test_the_readme_lists_every_option(section: str, options: type[EncoderOptions]) -> None:
    """Each section's table has the options in order, with their defaults and descriptions, and nothing else."""
    _, _, text = README.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    listed = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert listed == rows(options)

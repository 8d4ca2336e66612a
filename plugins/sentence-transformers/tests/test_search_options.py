"""The README's tables of options are the schemas."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_sentence_transformers.plugin import CrossEncoderOptions, SentenceTransformerOptions, SparseEncoderOptions

from harness.plugins import EncoderOptions
from harness.testing import options_table

README = Path(__file__).parent.parent / "README.md"


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
    assert options_table(options) in text.partition("\n## ")[0]

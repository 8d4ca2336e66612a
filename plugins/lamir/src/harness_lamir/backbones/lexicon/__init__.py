"""The lexicon: every word a mixture of English stems, learnt from parallel text.

Importing this package registers the model with transformers, so that `AutoModel.from_pretrained(folder)` loads one.
"""

from __future__ import annotations

from transformers import AutoConfig, AutoModel

from harness_lamir.backbones.lexicon.backbone import LexiconBackbone
from harness_lamir.backbones.lexicon.model import LexiconConfig, LexiconModel
from harness_lamir.backbones.lexicon.table import Lexicon

__all__ = ["Lexicon", "LexiconBackbone", "LexiconConfig", "LexiconModel"]

AutoConfig.register(LexiconConfig.model_type, LexiconConfig, exist_ok=True)
AutoModel.register(LexiconConfig, LexiconModel, exist_ok=True)

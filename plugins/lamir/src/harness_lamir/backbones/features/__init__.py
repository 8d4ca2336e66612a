"""The static bag of features: subword tokens and hashed n-grams of the romanised spelling.

Importing this package registers the model with transformers, so that `AutoModel.from_pretrained(folder)` loads one.
"""

from __future__ import annotations

from transformers import AutoConfig, AutoModel

from harness_lamir.backbones.features.backbone import FeatureBackbone
from harness_lamir.backbones.features.extractor import FeatureConfig, FeatureExtractor
from harness_lamir.backbones.features.model import LamirConfig, LamirModel

__all__ = ["FeatureBackbone", "FeatureConfig", "FeatureExtractor", "LamirConfig", "LamirModel"]

AutoConfig.register(LamirConfig.model_type, LamirConfig, exist_ok=True)
AutoModel.register(LamirConfig, LamirModel, exist_ok=True)

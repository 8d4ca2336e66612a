"""Encoders: the protocols they satisfy, the torch base class, and the reference encoders of the core."""

from harness.encoders.protocols import Encoder, EncoderInfo, FloatArray, Forecasting, Reranker, Role, Searcher

__all__ = ["Encoder", "EncoderInfo", "FloatArray", "Forecasting", "Reranker", "Role", "Searcher"]

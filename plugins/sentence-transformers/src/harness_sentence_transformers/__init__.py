"""Sentence-transformers models as encoders of lamir-harness."""

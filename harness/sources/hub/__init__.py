"""The Hugging Face hub as a source: the official files fetched at pinned revisions, or mteb's copy of a benchmark."""

from harness.sources.hub.source import HubSource

__all__ = ["HubSource"]

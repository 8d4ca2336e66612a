"""Where text comes from. A source answers for the text of tasks; behind every one of them is the same `Collection`."""

from harness.sources.collection import Collection, Corpus, Queries
from harness.sources.source import Source, open_source

__all__ = ["Collection", "Corpus", "Queries", "Source", "open_source"]

"""Where text comes from. A source answers for the text of tasks; behind every one of them is the same `Collection`."""

from harness.sources.collection import Asked, Collection, Queries
from harness.sources.corpus import Corpus
from harness.sources.opening import open_official, open_source
from harness.sources.source import Source

__all__ = ["Asked", "Collection", "Corpus", "Queries", "Source", "open_official", "open_source"]

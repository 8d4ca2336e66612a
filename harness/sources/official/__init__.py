"""The official files of the published benchmarks: how they are called, where they are published, how they are read."""

from harness.sources.official.layout import Files, HubFile, Layout, Part, Url, find

__all__ = ["Files", "HubFile", "Layout", "Part", "Url", "find"]

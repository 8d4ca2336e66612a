"""The pocket source: a small collection, written for this project and released CC0, that ships inside the package.

Forty topics written in parallel in 22 languages, each with a passage and a question; eighty more English passages as
distractors; short English answers for the XOR questions. Every family runs on it in its own shape. It is made for
trying things and for tests: forty passages tell a broken encoder from a working one, and not a good one from a better.
"""

from harness.sources.pocket.source import PocketSource, Topic, distractors, topics

__all__ = ["PocketSource", "Topic", "distractors", "topics"]

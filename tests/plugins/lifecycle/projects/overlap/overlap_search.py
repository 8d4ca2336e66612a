"""The searcher."""

import unicodedata

import numpy as np

from harness.encoders import EncoderInfo


def words(text):
    """The words of a text, as a set."""
    return set(unicodedata.normalize("NFKC", text).casefold().replace("?", " ").replace(".", " ").split())


class Overlap:
    """The share of a passage's words, and of the question's, that both have."""

    def __init__(self, options):
        self.info = EncoderInfo(name="overlap", dim=0, fingerprint="overlap-1", training_datasets=())
        self.passages = []

    def index(self, passages, *, language=None):
        """Keep the words of each passage."""
        self.passages = [words(text) for text in passages]

    def search(self, queries, k, *, language=None):
        """Positions (n, k) and scores (n, k)."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for row, query in enumerate(map(words, queries)):
            shares = [len(query & own) / np.sqrt((len(own) or 1) * (len(query) or 1)) for own in self.passages]
            best = [i for i in np.argsort([-share for share in shares], kind="stable") if shares[i] > 0][:k]
            positions[row, : len(best)] = best
            scores[row, : len(best)] = [shares[i] for i in best]
        return positions, scores

"""Small tools with no knowledge of retrieval: names, atomic files, fingerprints."""

"""BM25 with an analysis for each language: harness-bm25."""

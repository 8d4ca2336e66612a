"""ColBERT-style late interaction for lamir-harness."""

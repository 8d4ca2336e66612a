"""xQG: any encoder, with passages augmented by queries that were generated for them."""

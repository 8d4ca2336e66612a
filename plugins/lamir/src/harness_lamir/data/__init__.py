"""Training text: rows, the readers of files, and the streams that batches are drawn from."""

"""The vocabulary, the codebook and the annotated sentences; imports nothing of `serve` or `train`."""

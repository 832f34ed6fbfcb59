"""Everything from a sentence to its tag, and the ways in; imports `labels` and nothing of `train`."""

"""`python -m serve bench`: the same weights by the usual ways and by ours, in one run on the user's machine."""

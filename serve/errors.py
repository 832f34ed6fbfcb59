"""What can be wrong with a saved model; see `labels.errors` for the whole tree."""

from labels.errors import UserError


class ModelError(UserError):
    """A saved model is missing, damaged, or of another make than this program reads."""

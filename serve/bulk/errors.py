"""What stops a bulk run; what is wrong with one document is no exception but a `serve.bulk.document.Fault`."""

from labels.errors import UserError


class BulkError(UserError):
    """The input, the output or an option cannot be used."""


class StreamError(BulkError):
    """Standard output cannot be written; caused by a BrokenPipeError if whoever reads it has enough."""


class BrokenOffError(BulkError):
    """The output cannot be written any further; what is done is kept."""

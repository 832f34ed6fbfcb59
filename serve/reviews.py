"""The file that corrections are appended to, and how one is appended."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from labels.errors import UserError
from labels.review import Correction, Review, digest
from serve.http.settings import variable

#: Names the file; without it no corrections are taken.
VARIABLE: Final = variable("reviews")

#: Largest file that is still appended to, so that nobody fills the disk with it.
MAX_FILE_BYTES: Final = 256 * 1024 * 1024

_log = logging.getLogger("bentoml.stance")


class ReviewsError(UserError):
    """A correction could not be kept."""


def append(file: Path, correction: Correction) -> Review:
    """Append `correction` to `file` with the time and the text's digest, and return the line once it is on the disk.

    Raises:
        ReviewsError: the file cannot be written, or is as large as it may be.
    """
    made = {**correction.model_dump(), "time": datetime.now(UTC), "sha256": digest(correction.text)}
    review = Review.model_validate(made)
    line = f"{review.model_dump_json()}\n".encode()
    try:
        # One write to a file opened for appending: lines of several processes do not run into each other.
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                # A write before this one was cut short; this correction is not to be lost with that.
                line = b"\n" + line
            if size + len(line) > MAX_FILE_BYTES:
                _log.error("%s would be larger than %d bytes; move it away", file, MAX_FILE_BYTES)
                raise ReviewsError("the file of corrections is full; the service's log says what to do")
            written = os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        _log.error("cannot write %s, which %s names: %s", file, VARIABLE, error.strerror)
        raise ReviewsError("the correction could not be written down; the service's log says why") from error
    if written != len(line):
        _log.error("only %d of %d bytes could be written to %s", written, len(line), file)
        raise ReviewsError("the correction could not be written down; the service's log says why")
    return review

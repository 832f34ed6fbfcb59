"""Files and folders that appear only once they are whole, so that a failure leaves what was there before."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labels.errors import DataError


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, in the place of what was there.

    Raises:
        DataError: it cannot be written; `path` is as before.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"cannot write {path}: it is no ordinary file; name a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(content)
            # mkstemp gives the owner alone access; what the user asked for is an ordinary file.
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; name a path that can be written") from error


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` if all goes well and is gone otherwise.

    Raises:
        DataError: `path` exists and is not an empty folder, or it cannot be written.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise DataError(f"{path} exists; name a new or an empty folder")
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o755)
            temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; name a path that can be written") from error

"""What makes many small runs quick."""

import pytest


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a machine that loses power could tell, and waiting for the disk takes most of a small run."""
    monkeypatch.setattr("os.fsync", lambda handle: None)

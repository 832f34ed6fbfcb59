"""What a user can do wrong, as exceptions whose message is all that the user needs to see.

UserError                      one sentence: the rule, the value, the next step
├── DataError                  annotated data cannot be used
│   └── FaultsError            one or more faults, each with its place
├── serve.errors.ModelError    a saved model cannot be used
├── serve.errors.DeviceError   the model cannot run where it was asked to
├── serve.errors.SettingsError      the environment does not set up a service
├── serve.client.ClientError        a service did not answer
├── serve.load.servers.ServerError  a server could not be started
├── serve.reviews.ReviewsError     a correction cannot be kept
├── serve.bulk.errors.BulkError    a bulk run cannot begin or go on
└── train.config.ConfigError   the configuration is not valid
"""

from collections.abc import Sequence
from dataclasses import dataclass


class UserError(ValueError):
    """Something that the user can mend; the command line prints the message alone and exits with 2."""


class DataError(UserError):
    """Annotated data cannot be used."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: where it is and what rule it breaks."""

    file: str
    line: int
    """Line number, from 1; 0 where the fault is the whole file's."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


class FaultsError(DataError):
    """Every fault of one reading, in the order of files and lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))

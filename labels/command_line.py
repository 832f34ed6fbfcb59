"""How every command of the project ends: a user's mistake is one sentence on standard error and exit code 2."""

import sys
from contextlib import suppress

import typer

from labels.errors import UserError


def run(app: typer.Typer, arguments: list[str] | None = None) -> None:
    """Run `app`; print a `UserError` without a traceback and exit with 2, and exit with 130 when interrupted."""
    try:
        app(args=arguments)
    except UserError as error:
        # Who has closed standard error is told by the exit code alone.
        with suppress(BrokenPipeError):
            print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)

"""A console whose reader may leave."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

MAX_WIDTH = 100_000


class PatientConsole(Console):
    """Falls silent when nobody reads any more, where rich would end the program and a run with it."""

    def on_broken_pipe(self) -> None:
        """Write no more; see `rich.console.Console.on_broken_pipe`.

        What is still in the stream's buffer goes nowhere, so that it raises no error when Python ends.
        """
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def print_wide(table: Table) -> None:
    """Print a table in full, however narrow the terminal: an id that is cut off is no id."""
    PatientConsole(highlight=False, width=MAX_WIDTH).print(table, crop=False, no_wrap=True)

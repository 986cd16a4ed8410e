"""A console whose reader may leave."""

from __future__ import annotations

from rich.console import Console


class PatientConsole(Console):
    """Falls silent when nobody reads any more, where rich would end the program and a run with it."""

    def on_broken_pipe(self) -> None:
        """Write no more; see `rich.console.Console.on_broken_pipe`."""
        self.quiet = True

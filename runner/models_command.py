"""`batchscore models`: the local model registry."""

from __future__ import annotations

import os
from pathlib import Path

from rich.table import Table
from rich.text import Text

from runner.console import PatientConsole
from runner.local_state import LocalState, state_folder


def list_models(group_name: str | None, state: Path | None) -> None:
    """Print model packages, newest first."""
    packages = LocalState(root=state_folder(os.environ, state)).registry.packages(group_name)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("model package", "approval status", "registered at"):
        table.add_column(name)
    for package in packages:
        table.add_row(Text(package.arn), Text(package.approval_status), Text(package.created_at))
    console = PatientConsole(highlight=False, soft_wrap=True)
    console.print(table if packages else "no model package is registered here")


def set_approval(arn: str, approval_status: str, state: Path | None) -> None:
    """Change the approval status of a package and say so."""
    registry = LocalState(root=state_folder(os.environ, state)).registry
    package = registry.set_approval_status(arn, approval_status)
    PatientConsole(highlight=False, soft_wrap=True).print(Text(f"{package.arn}: {package.approval_status}"))

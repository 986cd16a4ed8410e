"""`batchscore models`: the local model registry."""

from __future__ import annotations

import os
from pathlib import Path

from rich.table import Table
from rich.text import Text

from contracts.errors import CallerError
from runner.console import PatientConsole, print_wide
from runner.local_state import LocalState, state_folder


def list_models(group_name: str | None, state: Path | None) -> None:
    """Print model packages, newest first."""
    local = LocalState(root=state_folder(os.environ, state))
    packages = local.registry.packages(group_name) if local.has_registry else []
    table = Table(box=None, pad_edge=False, header_style="dim")
    has_words = any(package.approval_description for package in packages)
    names = ("model package", "approval status", "registered at", "ARN")
    for name in (*names, "why not to approve it") if has_words else names:
        table.add_column(name)
    for package in packages:
        name = f"{package.group_name}/{package.version}"
        cells = [name, package.approval_status, package.created_at, package.arn]
        cells += [package.approval_description] if has_words else []
        table.add_row(*(Text(cell) for cell in cells))
    if packages:
        print_wide(table)
    else:
        PatientConsole().print(
            f"no model package is registered in {local.root}", markup=False, soft_wrap=True
        )


def set_approval(arn: str, approval_status: str, state: Path | None, *, is_forced: bool = False) -> None:
    """Change the approval status of a package and say so.

    Raises:
        CallerError: There is no such package, or it did not pass its quality gate and is to be approved.
    """
    registry = LocalState(root=state_folder(os.environ, state)).registry
    reason = registry.package(arn).approval_description
    if approval_status == "Approved" and reason and not is_forced:
        raise CallerError(f"{arn}: {reason} To approve it all the same, give --force.")
    package = registry.set_approval_status(arn, approval_status)
    PatientConsole(highlight=False, soft_wrap=True).print(Text(f"{package.arn}: {package.approval_status}"))

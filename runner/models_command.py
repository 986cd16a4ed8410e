"""`batchscore models`: the local model registry."""

from __future__ import annotations

import os
from pathlib import Path

from rich.table import Table
from rich.text import Text

from runner.console import PatientConsole, print_wide
from runner.local_state import LocalState, state_folder


def list_models(group_name: str | None, state: Path | None) -> None:
    """Print model packages, newest first."""
    local = LocalState(root=state_folder(os.environ, state))
    packages = local.registry.packages(group_name) if local.has_registry else []
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("model package", "approval status", "registered at", "ARN"):
        table.add_column(name)
    for package in packages:
        name = f"{package.group_name}/{package.version}"
        table.add_row(Text(name), Text(package.approval_status), Text(package.created_at), Text(package.arn))
    if packages:
        print_wide(table)
    else:
        PatientConsole().print(
            f"no model package is registered in {local.root}", markup=False, soft_wrap=True
        )


def set_approval(arn: str, approval_status: str, state: Path | None) -> None:
    """Change the approval status of a package and say so."""
    registry = LocalState(root=state_folder(os.environ, state)).registry
    package = registry.set_approval_status(arn, approval_status)
    PatientConsole(highlight=False, soft_wrap=True).print(Text(f"{package.arn}: {package.approval_status}"))

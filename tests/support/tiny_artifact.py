"""Small model artifacts, good and bad, for tests of what reads them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

CONTRACT = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": "id",
    "scoring": {"features": ["age"]},
}


def write_contract(path: Path, **changes: object) -> Path:
    """Write the contract above, with changed top-level keys."""
    path.write_text(json.dumps({**CONTRACT, **changes}), encoding="utf-8")
    return path


def write_archive(path: Path, members: dict[str, bytes], link: str | None = None) -> Path:
    """Write a gzip-compressed tar of the members, and a symbolic link of the given name if one is wanted."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link is not None:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    return path


def write_artifact(path: Path, **changes: object) -> Path:
    """Write an artifact with the contract above and something in the place of a model."""
    contract = json.dumps({**CONTRACT, **changes}).encode()
    return write_archive(path, {"model.json": b"{}", "contract.json": contract})

"""What one preparation is asked to do: folders of a processing job, and what the caller wants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.sizing import SizingRules
from preprocessing.hosts import Hosts


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where one preparation reads and writes."""

    source: Path
    contract: Path
    shards: Path
    kept: Path
    quarantine: Path
    scratch: Path


@dataclass(frozen=True, kw_only=True)
class PrepareRequest:
    """What to prepare, and how.

    Attributes:
        folders: Where to read and write.
        input_uri: For messages.
        input_format: A reader's name, or `auto`.
        keep_columns: The KeepColumns parameter, see `contracts.keep_columns`.
        wire_name: Name of the wire format.
        sizing: What the caller wants of the transform job.
        hosts: Which of the preparing instances this is.
        thread_count: Threads to work on.
    """

    folders: Folders
    input_uri: str
    input_format: str
    keep_columns: str
    wire_name: str
    sizing: SizingRules
    hosts: Hosts
    thread_count: int

    @property
    def host(self) -> str:
        """Name of this instance."""
        return self.hosts.current

"""Which instance of a processing job this is: `resourceconfig.json`, as SageMaker writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import PlatformError

ONLY_HOST = "algo-1"


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The instances of a job.

    Attributes:
        current: Name of this one.
        index: Its position among all names, sorted, from 0.
        count: How many there are.
    """

    current: str = ONLY_HOST
    index: int = 0
    count: int = 1


def read_hosts(path: Path) -> Hosts:
    """Read the configuration; where there is none, this instance is the only one.

    Raises:
        PlatformError: It is there and cannot be read.
    """
    try:
        document = json.loads(path.read_bytes())
        names = sorted(document["hosts"])
        current = document["current_host"]
        return Hosts(current=current, index=names.index(current), count=len(names))
    except FileNotFoundError:
        return Hosts()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlatformError(
            f"{path}: cannot be read as SageMaker's resource configuration: {error!r}"
        ) from error

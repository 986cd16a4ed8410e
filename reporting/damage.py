"""Tell a damaged file from a failing disk.

For bytes that are not what their format promises pyarrow raises one of its own errors, or an OSError without
an error number. Where the operating system refused something, the OSError has a number: that one passes
through, since another run may do better.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from contracts.errors import BatchScoreError

_DAMAGE = (
    UnicodeDecodeError,  # in the name of a column
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    pa.ArrowTypeError,
    pa.ArrowKeyError,
    pa.ArrowIndexError,
)


@contextmanager
def naming_damage(fault: type[BatchScoreError], sentence: str) -> Iterator[None]:
    """Raise `fault`, which says `sentence` and pyarrow's reason, if what is read inside is damaged.

    Raises:
        BatchScoreError: Of the class `fault`.
        OSError: The operating system could not read the file.
    """
    try:
        yield
    except _DAMAGE as error:
        raise fault(f"{sentence}: {_one_line(error)}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise fault(f"{sentence}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

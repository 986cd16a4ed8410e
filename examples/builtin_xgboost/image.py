"""Where AWS keeps the image of its built-in XGBoost container: `python -m examples.builtin_xgboost.image`.

The registry's account differs by region. The table comes with the SageMaker SDK; nothing is asked over the
network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from contracts.errors import CallerError
from pipelines.offline_session import DEFAULT_REGION

VERSION = "1.7-1"
"""Of the container: XGBoost 1.7."""


def image_uri(region: str, version: str = VERSION) -> str:
    """Return the URI of the image.

    Raises:
        CallerError: There is none for that region or version.
    """
    from sagemaker.core import image_uris  # noqa: PLC0415 - importing the SDK takes seconds

    try:
        return str(image_uris.retrieve("xgboost", region, version=version))
    except ValueError as error:
        raise CallerError(f"no image of XGBoost {version} in {region}: {error}") from error


def main(arguments: Sequence[str]) -> int:
    """Print the URI and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.builtin_xgboost.image", description=__doc__)
    parser.add_argument("--region", default=DEFAULT_REGION, help=f"AWS region [default: {DEFAULT_REGION}]")
    parser.add_argument("--version", default=VERSION, help=f"of the container [default: {VERSION}]")
    given = parser.parse_args(arguments)
    try:
        print(image_uri(given.region, given.version))
    except CallerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

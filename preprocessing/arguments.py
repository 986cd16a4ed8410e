"""Read the argument vector of the preprocessing container, and refuse what cannot work before any work.

Arguments are `--name value` pairs, as a processing step passes them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB
from contracts.sizing import SizingRules
from contracts.wire import wire_format
from preprocessing.readers import check_input_format


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What the container was asked to do.

    Attributes:
        command: `prepare` or `plan`.
        wire_name: Name of the wire format.
        input_format: A reader's name, or `auto`.
        input_uri: Where the source is; checked and quoted in messages, never opened.
        keep_columns: The KeepColumns parameter as it was given; read when the contract is known.
        is_part: Several instances prepare, and another step adds their parts up.
        sizing: What the caller wants of the transform job.
    """

    command: str
    wire_name: str
    input_format: str
    input_uri: str
    keep_columns: str
    is_part: bool
    sizing: SizingRules


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CallerError(f"arguments: {message}; see `python3 -m preprocessing --help`")


def read_arguments(argv: Sequence[str]) -> Arguments:
    """Read and check the arguments.

    Raises:
        CallerError: One is unknown, missing or not possible.
    """
    given = _parser().parse_args(argv)
    if given.command == "prepare":
        check_uris(given.input_uri, given.output_uri)
    check_input_format(given.input_format)
    wire_format(given.wire_format)
    return Arguments(
        command=given.command,
        wire_name=given.wire_format,
        input_format=given.input_format,
        input_uri=given.input_uri,
        keep_columns=given.keep_columns,
        is_part=given.part_only == "true",
        sizing=SizingRules(
            max_instances=given.max_instances,
            max_concurrency=given.max_concurrency,
            max_payload_bytes=given.max_payload_mb * BYTES_PER_MB,
            deadline_seconds=given.deadline_minutes * 60,
            records_per_second=given.records_per_second,
            min_instances=given.min_instances,
        ),
    )


def check_uris(input_uri: str, output_uri: str) -> None:
    """Refuse prefixes that match their neighbours, and an output that the next run would read as input.

    Raises:
        CallerError: Every fault is named.
    """
    faults = [
        f"{name} is {uri!r}; expected a `/` at its end, a prefix without it also matches its neighbours"
        for name, uri in (("InputUri", input_uri), ("OutputUri", output_uri))
        if not uri.endswith("/")
    ]
    if not faults and output_uri.startswith(input_uri):
        faults.append(
            f"OutputUri {output_uri!r} lies under InputUri {input_uri!r}, so the next run would read it as "
            "input; choose a prefix of its own"
        )
    if faults:
        raise CallerError("; ".join(faults))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python3 -m preprocessing", allow_abbrev=False, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    helps = {"prepare": "read, validate, shard and plan", "plan": "add up the parts of several instances"}
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, allow_abbrev=False)
        is_prepare = name == "prepare"
        command.add_argument("--wire-format", default="arrow")
        command.add_argument("--input-format", default="auto")
        command.add_argument("--input-uri", required=is_prepare, default="")
        command.add_argument("--output-uri", required=is_prepare, default="")
        command.add_argument("--keep-columns", default="")
        command.add_argument("--max-instances", type=int, required=True)
        command.add_argument("--min-instances", type=int, default=1)
        command.add_argument("--max-concurrency", type=int, required=is_prepare, default=1)
        command.add_argument("--max-payload-mb", type=int, required=is_prepare, default=6)
        command.add_argument("--deadline-minutes", type=float, required=True)
        command.add_argument("--records-per-second", type=float, required=True)
        command.add_argument("--part-only", choices=("true", "false"), default="false")
    return parser

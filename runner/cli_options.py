"""Options that several commands of `batchscore` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RegionOption = Annotated[
    str | None, typer.Option(help="AWS region [default: the profile's]", show_default=False)
]
ProfileOption = Annotated[
    str | None, typer.Option(help="Profile of the shared AWS files.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
PollOption = Annotated[
    float, typer.Option("--poll", min=1, metavar="SECONDS", help="Ask AWS every so many seconds.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")]
StackOption = Annotated[
    str,
    typer.Option(metavar="NAME", help="CloudFormation stack that `make deploy` made, with the settings."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", help="ARN or id of a pipeline execution [default: the newest]", show_default=False
    ),
]
NameOption = Annotated[
    str, typer.Option(help="Pipeline of the run, where RUN is no ARN [default: batchscore-production]")
]
ShapeWireOption = Annotated[
    str | None,
    typer.Option(
        "--wire",
        help="arrow, parquet, csv, jsonlines or recordio [default: as deployed, else arrow]",
        show_default=False,
    ),
]
ShapePrepareOption = Annotated[
    str | None,
    typer.Option(
        "--prepare",
        help="single or sharded: prepare on one instance or several [default: as deployed, else single]",
        show_default=False,
    ),
]

TokenizerOption = Annotated[
    Path | None,
    typer.Option(help="Hugging Face's tokenizer.json, of a model that reads text.", show_default=False),
]


def given(**options: str | None) -> dict[str, str]:
    """Return the options that were typed, by name."""
    return {name: value for name, value in options.items() if value}

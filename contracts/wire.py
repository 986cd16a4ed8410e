"""The forms in which records travel to the model container and scores travel back.

| name      | shard                                    | split | how ids stay attached                       |
|-----------|------------------------------------------|-------|---------------------------------------------|
| `parquet` | raw typed columns: id, then the features | none  | the id comes back beside the score          |
| `csv`     | no header; id, then the encoded features | Line  | filters cut the id off and join it on again |

Scores are float64 in every form, so that the same record gets the same score whatever the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import CallerError, near_matches

PARQUET_CONTENT_TYPE = "application/vnd.apache.parquet"
CSV_CONTENT_TYPE = "text/csv"

SCORE_COLUMN = "score"
ERROR_COLUMN = "error"
"""Beside each id: null, or why the model could not score that record."""

FINGERPRINT_KEY = b"batchscore.contract_fingerprint"
"""Key of the contract's fingerprint in a Parquet shard's schema metadata."""

FINGERPRINT_VARIABLE = "BATCHSCORE_CONTRACT_FINGERPRINT"
"""Environment variable by which the transform step tells the server which contract made the shards."""

CSV_ERROR_PREFIX = "error: "
"""A CSV answer has one field a record: a number, or this prefix and the reason."""


@dataclass(frozen=True, kw_only=True)
class WireFormat:
    """One wire format, in the words of the CreateTransformJob API.

    Attributes:
        name: How users choose it.
        content_type: Of the payload and of the answer (the API wants them equal when joining).
        shard_suffix: Ending of a shard's file name.
        split_type: `SplitType`; None means that a whole object is one payload.
        assemble_with: `AssembleWith`; equals the split type when joining.
        input_filter: JSONPath before inference, or None.
        join_source: `Input`, or None.
        output_filter: JSONPath after the join, or None.
    """

    name: str
    content_type: str
    shard_suffix: str
    split_type: str | None = None
    assemble_with: str | None = None
    input_filter: str | None = None
    join_source: str | None = None
    output_filter: str | None = None


WIRE_FORMATS = {
    "parquet": WireFormat(name="parquet", content_type=PARQUET_CONTENT_TYPE, shard_suffix=".parquet"),
    "csv": WireFormat(
        name="csv",
        content_type=CSV_CONTENT_TYPE,
        shard_suffix=".csv",
        split_type="Line",
        assemble_with="Line",
        input_filter="$[1:]",
        join_source="Input",
        output_filter="$[0,-1]",
    ),
}


def wire_format(name: str) -> WireFormat:
    """Return the wire format of that name.

    Raises:
        CallerError: There is none; the message lists the valid ones.
    """
    if name not in WIRE_FORMATS:
        raise CallerError(f"wire format {name!r} is unknown; {near_matches(name, WIRE_FORMATS)}")
    return WIRE_FORMATS[name]

"""The forms in which records travel to the model container and scores travel back.

| name        | shard                                    | split    | how ids stay attached                  |
|-------------|------------------------------------------|----------|----------------------------------------|
| `arrow`     | raw typed columns: id, then the features | none     | the id comes back beside the score     |
| `parquet`   | the same, smaller and slower             | none     | the id comes back beside the score     |
| `csv`       | no header; id, then the encoded features | Line     | filters cut it off and join it on again|
| `jsonlines` | `{"id": "…", "features": [numbers]}`     | Line     | filters cut it off and join it on again|
| `recordio`  | RecordIO-protobuf, dense 32-bit `values` | RecordIO | by order: the kept file beside it      |

Scores are float64 in every form, so that the same record gets the same score whatever the wire. A model with
several outputs answers with a list of them under `score` and, where the contract says `topK`, with their
positions (from 0, in the model's order) under `top`, largest output first: lists in Arrow and Parquet, arrays
in JSON, one field in CSV. Positions get their names when they are published.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.dataset import VECTOR_INPUT
from contracts.errors import CallerError, near_matches

ARROW_CONTENT_TYPE = "application/vnd.apache.arrow.file"
PARQUET_CONTENT_TYPE = "application/vnd.apache.parquet"
CSV_CONTENT_TYPE = "text/csv"
JSON_LINES_CONTENT_TYPE = "application/jsonlines"
RECORDIO_CONTENT_TYPE = "application/x-recordio-protobuf"

SCORE_COLUMN = "score"
TOP_COLUMN = "top"
"""Of a model with several outputs under `topK`: which of them the kept ones are."""

ERROR_COLUMN = "error"
"""Beside each id: null, or why the model could not score that record."""

FINGERPRINT_KEY = b"batchscore.contract_fingerprint"
"""Key of the contract's fingerprint in the schema metadata of a shard of columns."""

BASELINE_KEY = b"batchscore.baseline"
"""Key of the model's training baseline in the schema metadata of an answer of columns, as
`contracts.data_profile.packed` makes it: so what scored says what it was trained on."""

FINGERPRINT_VARIABLE = "BATCHSCORE_CONTRACT_FINGERPRINT"
"""Environment variable by which the transform step tells the server which contract made the shards."""

CSV_ERROR_PREFIX = "error: "
"""A CSV answer has one field a record: a number, or this prefix and the reason."""

CSV_OUTPUT_SEPARATOR = " "
"""Between several outputs in that field: never a comma, since OutputFilters keep the last field of a line.
Under `topK` each is `position:number`, such as `2:0.75 0:0.25`."""

JSON_ID_KEY = "id"
JSON_FEATURES_KEY = "features"
"""Keys of a JSON Lines shard's objects. The id is always text; a missing feature is null."""

JSON_OUTPUT_KEY = "SageMakerOutput"
"""Key under which Batch Transform joins the container's answer to a JSON object [doc: API_DataProcessing].
The answer of our container is `{"score": number}` or `{"error": "reason"}`; for several outputs
`{"score": [numbers]}`, under `topK` `{"score": [numbers], "top": [positions]}`."""


@dataclass(frozen=True, kw_only=True)
class WireFormat:
    """One wire format, in the words of the CreateTransformJob API.

    Attributes:
        name: How users choose it.
        content_type: Of the payload.
        accept: Of the answer (the API wants the two equal when joining).
        shard_suffix: Ending of a shard's file name.
        split_type: `SplitType`; None means that a whole object is one payload.
        assemble_with: `AssembleWith`; equals the split type when joining.
        input_filter: JSONPath before inference, or None.
        join_source: `Input`, or None.
        output_filter: JSONPath after the join, or None.
    """

    name: str
    content_type: str
    accept: str
    shard_suffix: str
    split_type: str | None = None
    assemble_with: str | None = None
    input_filter: str | None = None
    join_source: str | None = None
    output_filter: str | None = None

    @property
    def has_columns(self) -> bool:
        """Whether a shard is one payload of typed columns with schema metadata, and so is its answer."""
        return self.split_type is None


WIRE_FORMATS = {
    "arrow": WireFormat(
        name="arrow",
        content_type=ARROW_CONTENT_TYPE,
        accept=ARROW_CONTENT_TYPE,
        shard_suffix=".arrow",
    ),
    "parquet": WireFormat(
        name="parquet",
        content_type=PARQUET_CONTENT_TYPE,
        accept=PARQUET_CONTENT_TYPE,
        shard_suffix=".parquet",
    ),
    "csv": WireFormat(
        name="csv",
        content_type=CSV_CONTENT_TYPE,
        accept=CSV_CONTENT_TYPE,
        shard_suffix=".csv",
        split_type="Line",
        assemble_with="Line",
        input_filter="$[1:]",
        join_source="Input",
        output_filter="$[0,-1]",
    ),
    "jsonlines": WireFormat(
        name="jsonlines",
        content_type=JSON_LINES_CONTENT_TYPE,
        accept=JSON_LINES_CONTENT_TYPE,
        shard_suffix=".jsonl",
        split_type="Line",
        assemble_with="Line",
        input_filter=f"$.{JSON_FEATURES_KEY}",
        join_source="Input",
        output_filter=f"$['{JSON_ID_KEY}','{JSON_OUTPUT_KEY}']",
    ),
    # No filters and no join: DataProcessing knows CSV and JSON only. The answers are lines of CSV.
    "recordio": WireFormat(
        name="recordio",
        content_type=RECORDIO_CONTENT_TYPE,
        accept=CSV_CONTENT_TYPE,
        shard_suffix=".recordio",
        split_type="RecordIO",
        assemble_with="Line",
    ),
}


def check_carries(wire_name: str, model_input: str) -> None:
    """Check that a wire format can carry what a model reads.

    Args:
        wire_name: Of a wire format that is known.
        model_input: One of `contracts.dataset.MODEL_INPUTS`.

    Raises:
        CallerError: It carries vectors of numbers only, and the model reads something else.
    """
    if model_input != VECTOR_INPUT and not WIRE_FORMATS[wire_name].has_columns:
        able = " or ".join(wire.name for wire in WIRE_FORMATS.values() if wire.has_columns)
        raise CallerError(
            f"wire format {wire_name!r} carries vectors of numbers, but the contract says "
            f"`modelInput: {model_input}`; use the wire format {able}"
        )


def wire_format(name: str) -> WireFormat:
    """Return the wire format of that name.

    Raises:
        CallerError: There is none; the message lists the valid ones.
    """
    if name not in WIRE_FORMATS:
        raise CallerError(f"wire format {name!r} is unknown; {near_matches(name, WIRE_FORMATS)}")
    return WIRE_FORMATS[name]

"""The `recordio` wire: in go RecordIO-protobuf records, out comes one line of CSV for each.

A record has its encoded features in the dense tensor `values`, in the contract's order, NaN where a value is
missing; its uid is not looked at. An answer line is as on the `csv` wire. A message that is damaged, or
has other numbers than the contract's features, becomes a fault in its place. A damaged frame refuses
the whole payload: nobody could say how many records it held.
"""

from __future__ import annotations

import numpy as np

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.recordio import FrameScan, scan_frames, whole_messages
from contracts.recordio_groups import MessageGroup, group_messages
from contracts.recordio_message import DamagedMessageError, vector_slot
from contracts.wire import CSV_CONTENT_TYPE, RECORDIO_CONTENT_TYPE
from serving.codecs import DecodedPayload
from serving.csv_codec import score_lines
from serving.scorer import Scores


class RecordioCodec:
    """Reads and writes the `recordio` wire for one contract."""

    content_type = RECORDIO_CONTENT_TYPE
    answer_type = CSV_CONTENT_TYPE

    def __init__(self, contract: DatasetContract) -> None:
        """Take the contract of the model."""
        self._feature_count = len(contract.features)

    def decode(self, body: bytes) -> DecodedPayload:
        """Read frames; see `Codec.decode`."""
        scan = scan_frames(body, is_last=True, max_record_bytes=len(body))
        _check_frames(scan, len(body))
        content, starts, lengths = whole_messages(body, scan.starts, scan.ends, scan.parted)
        groups, faults = group_messages(content, starts, lengths)
        vectors = np.full((len(starts), self._feature_count), np.nan, dtype=np.float32)
        for group in groups:
            try:
                vectors[group.rows] = self._vectors(group)
            except DamagedMessageError as error:
                faults.update(dict.fromkeys(group.rows.tolist(), str(error)))
        return DecodedPayload(features=vectors, faults=faults)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:  # noqa: ARG002 - the wire has no ids
        """Write one line of CSV for each record."""
        return score_lines(scores)

    def _vectors(self, group: MessageGroup) -> np.ndarray:
        numbers = group.numbers(vector_slot(group.layout, self._feature_count))
        with np.errstate(over="ignore"):  # infinity: the scorer says what is wrong with it
            return numbers.astype(np.float32)


def _check_frames(scan: FrameScan, byte_count: int) -> None:
    """Raise a CallerError if the payload is not whole frames and nothing else."""
    if scan.blockage is not None:
        first, message = scan.consumed_byte_count, f"a frame says more bytes than the payload of {byte_count}"
    elif scan.faults:
        index = min(scan.faults)
        first, message = int(scan.starts[index]), scan.faults[index]
    else:
        return
    raise CallerError(
        f"the payload cannot be cut into records: {message}, at byte {first}; "
        "send whole RecordIO frames (SplitType RecordIO)"
    )

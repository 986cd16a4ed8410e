"""Write typed records as a RecordIO-protobuf shard: one frame a record, with a dense float32 `values`.

The features are encoded, NaN where a value is missing. There is no uid: all frames have one size, and the ids
stay in the kept file beside the shard, in the same order.
"""

from __future__ import annotations

import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.encoding import encode
from contracts.recordio_groups import encode_vectors


def recordio_content(records: pa.Table, contract: DatasetContract) -> bytes:
    """Return the bytes of one shard with exactly these records."""
    return encode_vectors(encode(records, contract))

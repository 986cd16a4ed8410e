"""Ray Data on this machine: batches of a streamed CSV are scored in an actor, and written as part files."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import ray
import xgboost

from benchmarks.peers.arrow_encoding import column_types, encode
from benchmarks.peers.contract import Encoding, read_encoding

BATCH_RECORDS = 100_000
BLOCK_BYTES = 4 * 1024 * 1024


class Scorer:
    """Scores batches in an actor that has loaded the model once."""

    def __init__(self, model_file: str, encoding: Encoding) -> None:
        self.model = xgboost.Booster(model_file=model_file)
        self.encoding = encoding

    def __call__(self, customers: pa.Table) -> pa.Table:
        """Return id and score."""
        scores = self.model.inplace_predict(encode(customers, self.encoding))
        id_field = self.encoding.id_field
        return pa.table({id_field: customers[id_field], "score": pa.array(scores)})


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file into a folder."""
    encoding = read_encoding(contract_file)
    ray.init(include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    customers = ray.data.read_csv(
        str(Path(customers_csv).resolve()),
        read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
        convert_options=pa_csv.ConvertOptions(column_types=column_types(encoding)),
    )
    scored = customers.map_batches(
        Scorer,
        fn_constructor_args=(str(Path(model_file).resolve()), encoding),
        batch_format="pyarrow",
        batch_size=BATCH_RECORDS,
        concurrency=1,
    )
    scored.write_csv(str(Path(scores_csv).resolve()))
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Images a second that the model server scores: many packed into a payload, beside one a payload.

    python -m benchmarks.images --images 20000 --side 8

The same server process, the same images and as many clients as the server asks for, each with a connection
that it keeps; the two ways take turns. The images are the scans of `examples/images` as PNG files of SIDE
pixels, and payloads are made as PrepareInput makes shards. Before anything is timed, both ways must give the
same scores. What is found goes to standard output and to `results/images.jsonl`, as a line of JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from PIL import Image

from benchmarks.machine import describe_machine, keep_result
from benchmarks.model_server import ServerProcess, started
from contracts.arrow_files import read_arrow
from contracts.payload_limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from contracts.sizing import PAYLOAD_FILL_FRACTION
from contracts.wire import ARROW_CONTENT_TYPE
from examples.images import data, train
from preprocessing.shard_files import shard_content
from preprocessing.sharding import ShardCutter

SHARDS_PER_CLIENT = 4
"""At least, so that no client waits long for the last one."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The same images, in payloads of one kind.

    Attributes:
        name: Of the way.
        payloads: Bodies of the requests.
        image_count: In all of them.
    """

    name: str
    payloads: list[bytes]
    image_count: int


def image_records(image_count: int, side: int) -> pa.Table:
    """Return so many scans, enlarged to `side` pixels, as records of the example's contract."""
    pixels, _ = data.real_scans()
    files = [data.png(np.asarray(Image.fromarray(scan).resize((side, side)))) for scan in pixels]
    names = [data.scan_name(number) for number in range(image_count)]
    images = [files[number % len(files)] for number in range(image_count)]
    return pa.table({"file": pa.array(names), "image": pa.array(images, pa.binary())})


def packed(records: pa.Table, clients: int) -> Workload:
    """Return payloads with as many images as their size and the number of clients allow."""
    contract = data.images_contract()
    per_shard = max(1.0, records.num_rows / clients / SHARDS_PER_CLIENT)
    cutter = ShardCutter(per_shard, int(DEFAULT_PAYLOAD_MB * BYTES_PER_MB * PAYLOAD_FILL_FRACTION))
    shards = [*cutter.add(records), *cutter.rest()]
    return Workload(
        name="packed",
        payloads=[shard_content(shard, contract, "arrow") for shard in shards],
        image_count=records.num_rows,
    )


def single(records: pa.Table) -> Workload:
    """Return a payload for each image."""
    contract = data.images_contract()
    return Workload(
        name="one a request",
        payloads=[shard_content(records.slice(at, 1), contract, "arrow") for at in range(records.num_rows)],
        image_count=records.num_rows,
    )


def images_per_second(server: ServerProcess, workload: Workload, clients: int) -> float:
    """Send all payloads once, and return how many images were scored a second."""
    started_seconds = time.monotonic()
    send_all(server, workload.payloads, clients)
    return workload.image_count / (time.monotonic() - started_seconds)


def send_all(server: ServerProcess, payloads: Sequence[bytes], clients: int) -> list[bytes]:
    """Return the answers to all payloads, in their order."""
    with ThreadPoolExecutor(clients) as executor:
        dealt = executor.map(
            lambda share: _send(server, share), [payloads[at::clients] for at in range(clients)]
        )
        answers = list(dealt)
    return [answers[number % clients][number // clients] for number in range(len(payloads))]


def _send(server: ServerProcess, payloads: Sequence[bytes]) -> list[bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    answers = []
    for payload in payloads:
        connection.request("POST", "/invocations", payload, {"Content-Type": ARROW_CONTENT_TYPE})
        response = connection.getresponse()
        answers.append(response.read())
        if response.status != http.client.OK:
            raise RuntimeError(f"the server answered {response.status}: {answers[-1][:200]!r}")
    connection.close()
    return answers


def scores_of(answers: Sequence[bytes]) -> np.ndarray:
    """Return the scores of all images in answers."""
    lists = [read_arrow(answer).column("score").combine_chunks().flatten().to_numpy() for answer in answers]
    return np.concatenate(lists)


def make_model_folder(folder: Path) -> None:
    """Write the example's model and contract."""
    folder.mkdir(parents=True)
    train.write_model(folder / "model.onnx")
    document = yaml.safe_load(data.CONTRACT_PATH.read_bytes())
    (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")


def measure(server: ServerProcess, records: pa.Table, rounds: int) -> dict[str, Any]:
    """Return images a second of both ways, medians of so many rounds, and their ratio.

    Raises:
        RuntimeError: They do not give the same scores.
    """
    clients = json.loads(server.ask("/execution-parameters"))["MaxConcurrentTransforms"]
    workloads = (packed(records, clients), single(records))
    scores = [scores_of(send_all(server, workload.payloads, clients)) for workload in workloads]
    if not np.allclose(*scores, rtol=1e-5, atol=1e-7):
        raise RuntimeError("packed images have other scores than single ones")
    speeds: dict[str, list[float]] = {workload.name: [] for workload in workloads}
    for _ in range(rounds):
        for workload in workloads:
            speeds[workload.name].append(images_per_second(server, workload, clients))
    medians = {name: statistics.median(measured) for name, measured in speeds.items()}
    return {
        "clients": clients,
        "images_per_payload": round(records.num_rows / len(workloads[0].payloads)),
        "images_per_second": {name: round(speed) for name, speed in medians.items()},
        "ratio": round(medians["packed"] / medians["one a request"], 1),
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print and keep what came out."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=int, default=20_000, help="how many [%(default)s]")
    parser.add_argument("--side", type=int, default=8, help="pixels of width and height [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="of each way [%(default)s]")
    given = parser.parse_args(arguments)
    records = image_records(given.images, given.side)
    with tempfile.TemporaryDirectory() as folder:
        make_model_folder(Path(folder) / "model")
        with started(["-m", "serving", "serve"], Path(folder)) as server:
            found = measure(server, records, given.rounds)
    image_bytes = round(sum(map(len, records["image"].to_pylist())) / given.images)
    result = {"images": given.images, "side": given.side, "image_bytes": image_bytes, **found}
    print(json.dumps(result))
    keep_result("images", {**result, "machine": describe_machine()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

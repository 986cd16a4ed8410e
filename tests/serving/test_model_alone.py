"""Our server in the place of AWS's built-in XGBoost container: a model, no contract, features by order.

What that container does was read in aws/sagemaker-xgboost-container [src]; docs/fidelity.md lists where this
differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost
from model_server import RunningServer, model_server, server_environment, start_process
from tiny_model import make_lone_tiny_model, make_tiny_model, make_tiny_model_folder, tiny_score
from tiny_other_models import make_tiny_lightgbm

from contracts.errors import CallerError
from contracts.recordio_groups import encode_vectors
from contracts.wire import (
    CSV_CONTENT_TYPE,
    JSON_LINES_CONTENT_TYPE,
    PARQUET_CONTENT_TYPE,
    RECORDIO_CONTENT_TYPE,
)
from serving.factory import BUILTIN_CONTENT_TYPES, served_codecs
from serving.model_folder import ServedModel, load_model_folder

pytestmark = pytest.mark.functional

OPTION = "--contract-optional"
VECTORS = np.array([[29, 0, 1], [31, 2, np.nan]], np.float32)
PAYLOADS = {
    CSV_CONTENT_TYPE: b"29,0,1\n31,2,\n",
    "text/libsvm": b"0:29 1:0 2:1\n0:31 1:2\n",
    "text/x-libsvm": b"1 0:29 1:0 2:1\n0 0:31 1:2\n",
    RECORDIO_CONTENT_TYPE: encode_vectors(VECTORS),
}
"""Two records by content type: (29, basic, active) and (31, pro, nothing known)."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("ml")
    make_lone_tiny_model(root / "model" / "model.json")
    # The definition tells every container which contract made the shards, also one that knows no contract.
    with model_server(root, OPTION, BATCHSCORE_CONTRACT_FINGERPRINT="0123456789abcdef") as running:
        yield running


def load(folder: Path) -> ServedModel:
    return load_model_folder(folder, threads=1, expected_fingerprint="0" * 16, is_contract_optional=True)


@pytest.mark.parametrize("content_type", PAYLOADS)
def test_every_content_type_of_the_container_is_answered_with_lines(
    server: RunningServer, content_type: str
) -> None:
    """[src] `SAGEMAKER_BATCH` set: one number a line, a line break at the end, `text/csv`."""
    expected = f"{tiny_score(29, 'basic', True)}\n{tiny_score(31, 'pro', None)}\n".encode()
    assert server.invoke(PAYLOADS[content_type], content_type) == (200, expected)
    assert server.reply_headers["content-type"] == CSV_CONTENT_TYPE


def test_a_content_type_may_have_parameters(server: RunningServer) -> None:
    """[src] `get_content_type` takes what stands before them."""
    assert server.invoke(b"29,0,1", "text/csv; charset=utf-8; label_size=0") == (200, b"211.5\n")


@pytest.mark.parametrize("content_type", PAYLOADS)
def test_an_empty_payload_is_answered_with_204(server: RunningServer, content_type: str) -> None:
    """[src] Before anything is looked at."""
    assert server.invoke(b"", content_type) == (204, b"")


@pytest.mark.parametrize("content_type", [PARQUET_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, "application/json"])
def test_what_the_container_does_not_read_is_refused_with_415(
    server: RunningServer, content_type: str
) -> None:
    """[src] Though our own server could read two of them."""
    assert server.invoke(b"{}", content_type)[0] == 415


def test_an_answer_in_another_type_is_refused_with_406(server: RunningServer) -> None:
    """[src] The container looks at `Accept` only where it selects its output."""
    assert server.invoke(b"29,0,1", CSV_CONTENT_TYPE, Accept="application/xml")[0] == 406


def test_another_number_of_features_is_a_fault_of_its_line(server: RunningServer) -> None:
    """The container would answer 400 to all lines, or take what is missing for missing values."""
    status, body = server.invoke(b"29,0,1\n29,0\n29,0,1,7\n", CSV_CONTENT_TYPE)
    assert (status, body.splitlines()[0]) == (200, b"211.5")
    assert body.splitlines()[1:] == [
        b"error: expected 3 fields; found 2",
        b"error: expected 3 fields; found 4",
    ]


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_features_are_known_by_their_order(tmp_path: Path, name: str) -> None:
    """The model does not say how they are called."""
    make_lone_tiny_model(tmp_path / name)
    served = load(tmp_path)
    assert served.contract.features == ("f0", "f1", "f2")
    assert set(served_codecs(served)) == set(BUILTIN_CONTENT_TYPES)
    assert served.scorer.score(VECTORS).values.tolist() == [211.5, 132.5]


def test_names_that_the_model_knows_are_used_in_messages(tmp_path: Path) -> None:
    vectors = np.eye(3, dtype=np.float32)
    matrix = xgboost.DMatrix(vectors, vectors[:, 0], feature_names=["age", "plan", "active"])
    raw = xgboost.train({"nthread": 1}, matrix, 1).save_raw("json")
    (tmp_path / "model.json").write_bytes(bytes(raw).replace(b'"[', b'"').replace(b']"', b'"'))
    payload = served_codecs(load(tmp_path))[CSV_CONTENT_TYPE].decode(b"1,x,3\n")
    assert payload.faults == {0: "feature plan is 'x'; expected a number or nothing"}


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_a_base_score_that_earlier_versions_misread_is_refused(tmp_path: Path, name: str) -> None:
    """[ran] XGBoost 1.7.6 and 3.0.5 read other scores from it, and say nothing."""
    make_tiny_model(tmp_path / name)
    with pytest.raises(CallerError, match=f"{name}: its base_score is a list"):
        load(tmp_path)


def test_a_model_of_another_library_needs_its_contract(tmp_path: Path) -> None:
    make_tiny_lightgbm(tmp_path / "model.txt")
    with pytest.raises(CallerError, match=r"only XGBoost models .* are served without a contract\.json"):
        load(tmp_path)


def test_a_contract_that_is_there_is_kept(tmp_path: Path) -> None:
    """An image of one's own may have it, and then every wire format and every check."""
    make_tiny_model_folder(tmp_path)
    with pytest.raises(CallerError, match="the fingerprint 0000000000000000"):
        load(tmp_path)
    served = load_model_folder(tmp_path, threads=1, expected_fingerprint=None, is_contract_optional=True)
    assert PARQUET_CONTENT_TYPE in served_codecs(served)


def test_the_check_finds_a_model_that_would_not_do_alone(tmp_path: Path) -> None:
    """Also with the contract beside it, which is how its features are compared."""
    folder = make_tiny_model_folder(tmp_path / "model")

    def end_of_check(*options: str) -> int:
        process = start_process(server_environment(tmp_path, 1), "check", *options)
        process.communicate(timeout=30)
        return process.returncode

    assert (end_of_check(), end_of_check(OPTION)) == (0, 2)
    make_lone_tiny_model(folder / "model.json")
    assert end_of_check(OPTION) == 0

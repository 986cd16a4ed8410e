"""`batchscore contract check --against` reads data as a run would read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import RunFailedError
from runner.contract_command import check_contract

pytestmark = pytest.mark.functional

CONTRACT = """
fields: [{name: id}, {name: x, type: number}]
primaryKey: id
dialect: {header: false, encoding: cp1252}
scoring: {features: [x]}
"""


def test_data_is_checked_in_the_dialect_that_the_contract_declares(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    contract, source = tmp_path / "contract.yaml", tmp_path / "in"
    contract.write_text(CONTRACT, encoding="utf-8")
    source.mkdir()
    (source / "a.csv").write_bytes(b"\xe9;1.5\nb;2\n\x81;3\n")
    (source / "b.csv").write_bytes("ж\t1.5\nc\tx\n".encode("utf-16"))
    with pytest.raises(RunFailedError, match="2 records break the contract"):
        check_contract(contract, source)
    told = capfd.readouterr().out
    assert "5 records, 3 valid, 2 held back" in told
    assert "is not cp1252: byte 0x81 stands for no character" in told

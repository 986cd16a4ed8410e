"""A report is drawn again, two runs stand side by side, all reports are pages for this machine alone."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from reported_state import FAILED, FIRST, OUTPUT_URI, SECOND, reported_state, without_facts
from typer.testing import CliRunner

from contracts.errors import CallerError
from contracts.ledger import read_ledger, write_ledger
from runner.cli import app
from runner.local_state import LocalState
from runner.report_server import report_server

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> LocalState:
    """Two reported runs and a failed one."""
    return reported_state(tmp_path_factory.mktemp("reports"))


def _invoke(*argv: str) -> str:
    result = CliRunner().invoke(app, argv, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _report_folder(state: LocalState, run_id: str) -> Path:
    return state.store.path_of(f"{OUTPUT_URI}runs/{run_id}/report")


def test_a_page_drawn_again_is_the_same_page(state: LocalState, tmp_path: Path) -> None:
    output = _invoke("report", FIRST, "--state", str(state.root), "--out", str(tmp_path / "again"))
    assert output == f"{tmp_path / 'again' / 'report.html'}: written\n"
    for name in ("report.html", "tables/score_distribution.csv"):
        again, before = tmp_path / "again" / name, _report_folder(state, FIRST) / name
        assert again.read_bytes() == before.read_bytes()


def test_without_a_place_the_page_is_drawn_where_it_was(state: LocalState) -> None:
    page = _report_folder(state, SECOND) / "report.html"
    before = page.read_bytes()
    page.unlink()
    _invoke("report", SECOND, "--state", str(state.root))
    assert page.read_bytes() == before


def test_a_run_without_a_ledger_has_no_page(state: LocalState) -> None:
    with pytest.raises(CallerError, match="came to no report; `batchscore results"):
        _invoke("report", FAILED, "--state", str(state.root))


def test_a_ledger_of_before_says_so(tmp_path: Path) -> None:
    old = reported_state(tmp_path)
    without_facts(old, FIRST)
    with pytest.raises(Exception, match="its ledger does not hold what a page shows"):
        _invoke("report", FIRST, "--state", str(old.root))


def test_two_runs_are_compared_number_by_number(state: LocalState, tmp_path: Path) -> None:
    page = tmp_path / "compared.html"
    argv = ["compare", FIRST, SECOND, "--state", str(state.root), "--json", "--out", str(page)]
    rows = {row["name"]: row for row in json.loads(_invoke(*argv))["rows"]}
    assert rows["Records read"] | {"group": ""} == {
        "group": "",
        "name": "Records read",
        "first": "3",
        "second": "3",
        "difference": "",
        "is_different": False,
    }
    assert (rows["Mean"]["first"], rows["Mean"]["second"], rows["Mean"]["difference"]) == (
        "0.5",
        "0.533333",
        "+0.0333333",
    )
    shown = BeautifulSoup(page.read_text(), "html.parser")
    assert [code.text for code in shown.header.find_all("code")] == [FIRST, SECOND]
    assert shown.find("figure", id="score_distribution_pair").svg.title.text == "Score distributions"


def test_a_run_compared_with_itself_differs_in_nothing(state: LocalState) -> None:
    rows = json.loads(_invoke("compare", FIRST, FIRST, "--state", str(state.root), "--json"))["rows"]
    assert rows
    assert not any(row["is_different"] or row["difference"] for row in rows)


@contextmanager
def _served(state: LocalState) -> Iterator[http.client.HTTPConnection]:
    server = report_server(state, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()


def _get(connection: http.client.HTTPConnection, path: str, **headers: str) -> tuple[int, str]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_all_runs_are_listed_with_their_reports(state: LocalState) -> None:
    with _served(state) as connection:
        status, html = _get(connection, "/")
        links = [link["href"] for link in BeautifulSoup(html, "html.parser").find_all("a")]
        assert links == [
            f"/runs/{SECOND}/report.html",
            f"/compare/{FIRST}/{SECOND}/",
            f"/runs/{FIRST}/report.html",
        ]
        assert [_get(connection, link)[0] for link in links] == [200, 200, 200]
        assert _get(connection, f"/runs/{FIRST}/tables/score_distribution.csv")[1].startswith("score_from,")
    assert status == 200
    assert FAILED in html
    assert "the input &lt;b&gt;is&lt;/b&gt; empty" in html


@pytest.mark.parametrize(
    ("quality", "cell"),
    [
        ({"auc": 0.8, "accuracy": 0.9}, "AUC 0.8000"),
        ({"accuracy": 0.91}, "Accuracy 0.9100"),
        ({"hit_rate": 0.4}, "Hit rate at 10 0.4000"),
        ({"rmse": 12345.678}, "RMSE 1.235e+04"),
        ({}, "–"),
    ],
)
def test_the_list_of_runs_names_what_says_how_good_a_model_is(
    tmp_path: Path, quality: dict[str, float], cell: str
) -> None:
    state = reported_state(tmp_path)
    path = _report_folder(state, SECOND) / "run.json"
    ledger = read_ledger(path)
    ledger.report["contract"]["top_k"] = 10 if "hit_rate" in quality else None
    write_ledger(path, replace(ledger, quality=quality))
    with _served(state) as connection:
        page = BeautifulSoup(_get(connection, "/")[1], "html.parser")
    (row,) = [row for row in page.find_all("tr") if row.th.text == SECOND]
    assert row.find_all("td")[-2].text == cell


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        f"/runs/{FIRST}/../../record.json",
        f"/runs/{FIRST}/..%2f..%2fplan%2fplan.json",
        "/runs/../registry.sqlite",
        f"/runs/{FIRST}/",
        f"/compare/{FIRST}/nobody/",
        "/runs/nobody/report.html",
    ],
)
def test_nothing_else_is_served(state: LocalState, path: str) -> None:
    with _served(state) as connection:
        assert _get(connection, path)[0] == 404


def test_a_run_without_a_report_answers_in_words(state: LocalState) -> None:
    with _served(state) as connection:
        status, text = _get(connection, f"/runs/{FAILED}/report.html")
    assert (status, "came to no report" in text) == (500, True)


def test_a_request_in_another_hosts_name_is_refused(state: LocalState) -> None:
    """A page from elsewhere that has its name point here must not read the reports."""
    with _served(state) as connection:
        assert _get(connection, "/", Host="evil.example")[0] == 403


def test_a_taken_port_is_said(state: LocalState) -> None:
    with _served(state) as connection:
        argv = ["serve-reports", "--state", str(state.root), "--port", str(connection.port)]
        with pytest.raises(CallerError, match="name another, or 0 for any free one"):
            _invoke(*argv)

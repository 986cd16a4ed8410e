"""Quotas are compared with what a run needs at once; what Service Quotas does not say is not checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from emulated_aws import connection, set_credentials
from planned_account import Answers, answer_for

from runner.aws.quotas import InstanceNeed, check_quotas

pytestmark = pytest.mark.functional

SCORING = InstanceNeed(job="transform", instance_type="ml.m5.xlarge", instance_count=4)
OF_TYPE = "ml.m5.xlarge for transform job usage"
OF_ALL = "Number of instances across all transform jobs"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """An account with no quota yet."""
    set_credentials(monkeypatch)
    made = Answers()
    answer_for(monkeypatch, made)
    return made


def _outcomes(*needs: InstanceNeed) -> list[tuple[str, str]]:
    return [(check.outcome, check.words) for check in check_quotas(connection(), needs)]


@pytest.mark.parametrize(("value", "expected"), [(4.0, "passed"), (3.0, "failed"), (0.0, "failed")])
def test_a_quota_below_the_need_fails(answers: Answers, value: float, expected: str) -> None:
    answers.quotas.update({OF_TYPE: value, OF_ALL: 20.0})
    (outcome, words), (of_all, _) = _outcomes(SCORING)
    assert (outcome, of_all) == (expected, "passed")
    assert f"'{OF_TYPE}' is {int(value)}, the run needs 4" in words


def test_awss_own_value_counts_where_none_is_applied(answers: Answers) -> None:
    """[doc] ListServiceQuotas leaves out quotas whose applied value is not available."""
    answers.default_quotas.update({OF_TYPE: 0.0, OF_ALL: 20.0})
    assert [outcome for outcome, _ in _outcomes(SCORING)] == ["failed", "passed"]


def test_jobs_that_follow_each_other_need_the_larger_of_both(answers: Answers) -> None:
    preparing = InstanceNeed(job="processing", instance_type="ml.m5.xlarge", instance_count=2)
    reporting = InstanceNeed(job="processing", instance_type="ml.m5.xlarge", instance_count=1)
    answers.quotas["ml.m5.xlarge for processing job usage"] = 2.0
    outcome, words = _outcomes(preparing, reporting)[0]
    assert outcome == "passed"
    assert "the run needs 2" in words


def test_an_unknown_quota_is_not_called_right(answers: Answers) -> None:
    answers.quotas[OF_ALL] = 20.0
    (outcome, words), _ = _outcomes(SCORING)
    assert outcome == "not checked"
    assert f"lists no {OF_TYPE!r}" in words


def test_who_may_not_ask_is_told_so_once(answers: Answers) -> None:
    message = "User: a is not authorized to perform: servicequotas:ListServiceQuotas on resource: *"
    error = {"Error": {"Code": "AccessDeniedException", "Message": message}}
    answers.refusal["service-quotas"] = ClientError(error, "ListServiceQuotas")
    ((outcome, words),) = _outcomes(SCORING)
    assert outcome == "not checked"
    assert "not allowed: servicequotas:ListServiceQuotas" in words

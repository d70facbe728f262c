"""Whatever EnergyCAP answers, only our errors leave, no bill is there twice, and no claim is wrong: a sample."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import drawn
from tests.fuzz.flow import Setting, Stage, stage
from tests.fuzz.mutations import KINDS, damaged
from tests.fuzz.proxy import Plan

SAMPLE = 40
#: Which answers of a flow are damaged: up to four of the first forty.
PLANS: st.SearchStrategy[Plan] = st.dictionaries(
    st.integers(0, 39), st.tuples(st.sampled_from(KINDS), st.integers(0, 999)), min_size=1, max_size=4
)
SETTINGS = st.builds(
    Setting,
    deferrable=st.booleans(),
    shows_notes=st.booleans(),
    has_state=st.booleans(),
    reattach=st.booleans(),
    separate_wait=st.booleans(),
)


@pytest.fixture(scope="module")
def set_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("fuzz")) as one:
        yield one


@seed(20261128)
@settings(
    max_examples=SAMPLE,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a plan of four damages is small enough to read
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(plan=PLANS, setting=SETTINGS)
def test_damaged_answers_leave_no_wrong_claim(set_stage: Stage, plan: Plan, setting: Setting) -> None:
    set_stage.play(plan, setting)


@pytest.mark.parametrize("number", [1504, 1660], ids=["a GUID with NUL in it", "a batch number of 400 digits"])
def test_a_flow_that_was_wrong_once_holds(set_stage: Stage, number: int) -> None:
    set_stage.play(*drawn(1, number))


def test_an_undamaged_flow_ends_well(set_stage: Stage) -> None:
    played = set_stage.play({}, Setting())
    ends = played.ends

    assert played.verdict == "closed"
    assert [end.state for end in ends] == ["success"] * 5
    assert ends[1].result["outcome"] == "completed_with_kickouts"
    assert ends[3].result["outcome"] == "completed"
    assert len(set_stage.sandbox.bills()) == 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_may_wait_for_the_import(set_stage: Stage, deferrable: bool) -> None:
    played = set_stage.play({}, Setting(deferrable=deferrable, separate_wait=True))

    assert [end.state for end in played.ends] == ["success"] * 6
    assert played.ends[2].result["outcome"] == "completed_with_kickouts"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_the_body(kind: str) -> None:
    body = b'{"taskGUId": "x", "status": "Completed", "batch": {"batchId": 7}}'

    assert damaged(body, kind, 1) != body

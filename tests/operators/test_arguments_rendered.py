"""Rendered arguments in whole tasks, against the sandbox: what a template means happens, or nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from eci_provider.api.bill_imports import BatchSettings
from eci_provider.api.column_mapping import ColumnMapping, Observation
from eci_provider.api.errors import EciValidationError
from eci_provider.api.models import RequestModel
from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor
from tests.support.argument_kinds import MAPPING
from tests.support.run_task import Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.two_bills import TwoBills
from tests.support.waiting_tasks import bill_file

NEW = {"batch_mode": "new batch"}


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> TwoBills:
    return TwoBills(sandbox, turned_clock, tmp_path, delay=60)


def _import(scene: TwoBills, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(scene.path), **arguments)


@pytest.mark.parametrize(("rendered", "status"), [("void_batch", "Pending"), ("detach", "Open")])
def test_a_wanted_void_happens_and_no_other(
    rendered: str, status: str, scene: TwoBills, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = _import(scene, batch_settings=NEW, on_kill="{{ params.on_kill }}")

    def sleep(seconds: float) -> None:
        scene.clock.sleep(seconds)
        task.on_kill()
        raise RuntimeError("the process was killed")

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    assert run(task, params={"on_kill": rendered}).state == "failed"
    assert [batch["batch_status"] for batch in scene.sandbox.batches()] == [status]


def test_the_trigger_of_a_deferred_task_voids_as_the_template_says(scene: TwoBills) -> None:
    task = _import(scene, batch_settings=NEW, on_kill="{{ params.on_kill }}", deferrable=True)

    (deferral,) = run(task, params={"on_kill": "void_batch"}).deferrals

    assert deferral[1]["on_kill"] == "void_batch"


@pytest.mark.parametrize(("rendered", "sent"), [("False", 2), ("true", 1)])
def test_reattach_is_what_it_renders_to(rendered: str, sent: int, scene: TwoBills) -> None:
    tries = Tries(lambda: _import(scene, batch_settings=NEW, reattach="{{ params.reattach }}"))
    scene.killed_while_waiting(tries, params={"reattach": rendered})

    end = tries.run(params={"reattach": rendered})

    assert end.state == "success", end.error
    assert scene.submits == sent


def test_a_task_does_not_wait_where_a_template_says_so(scene: TwoBills) -> None:
    end = run(_import(scene, wait_for_completion="{{ params.wait }}"), params={"wait": False})

    assert end.result["outcome"] is None
    assert scene.clock.slept == []


@pytest.mark.parametrize(
    ("arguments", "params", "said"),
    [
        ({"reattach": "{{ params.x }}"}, {"x": "no"}, "reattach is 'no': must be True or False"),
        ({"on_kill": "{{ params.x }}"}, {"x": "void"}, "on_kill is 'void': must be one of 'detach', 'void_batch'"),
        ({"on_kill": "{{ params.x }}"}, {"x": None}, "on_kill is 'None': must be one of"),
        ({"kickout_report": "{{ params.x }}"}, {"x": "{{ ds }}.csv"}, "kickout_report is '{{ ds }}.csv'"),
        ({"max_kickouts": "{{ params.x }}"}, {"x": "{{ 3 }}"}, "max_kickouts is '{{ 3 }}'"),
        ({"on_kickouts": "{{ params.x }}"}, {"x": "{{ y }}"}, "on_kickouts is '{{ y }}'"),
        ({"success_statuses": "{{ params.x }}"}, {"x": "{% y %}"}, "success_statuses is '{% y %}'"),
        ({"adopt_task_guid": "{{ params.x }}"}, {"x": "{# y #}"}, "adopt_task_guid is '{# y #}'"),
        (
            {"kickout_report": "{{ params.x }}", "wait_for_completion": "{{ params.wait }}"},
            {"x": "r.csv", "wait": False},
            "wait_for_completion is False, and kickout_report is 'r.csv'",
        ),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], params: dict[str, Any], said: str, scene: TwoBills
) -> None:
    end = run(_import(scene, **arguments), params=params)

    assert isinstance(end.error, EciValidationError)
    assert said in str(end.error)
    assert end.is_final
    assert scene.sandbox.requests == []


def test_a_text_with_braces_is_a_text_like_any_other(sandbox: Sandbox) -> None:
    end = run(
        OpenBatchOperator(task_id="open", batch_code="{{ params.code }}"), params={"code": "{{ x }} {% y %}"}
    )

    assert end.result["batch_code"] == "{{ x }} {% y %}"


def _in_a_dag(native: bool, **arguments: Any) -> OpenBatchOperator:
    with DAG("dag", schedule=None, render_template_as_native_obj=native):
        return OpenBatchOperator(task_id="open", **arguments)


@pytest.mark.parametrize("native", [False, True])
def test_no_batch_is_opened_with_none_for_its_code(native: bool, sandbox: Sandbox) -> None:
    end = run(_in_a_dag(native, batch_code="{{ params.code }}"), params={"code": None})

    assert "OpenBatchOperator 'open': batch_code is None: must be a text" in str(end.error)
    assert sandbox.batches() == []


@pytest.mark.parametrize("native", [False, True])
def test_what_renders_to_none_is_left_out_of_the_request(native: bool, sandbox: Sandbox) -> None:
    optional = OpenBatchOperator.request_fields[1:]
    task = _in_a_dag(native, batch_code="January", **dict.fromkeys(optional, "{{ params.nothing }}"))

    assert run(task, params={"nothing": None}).state == "success"
    (post,) = (request for request in sandbox.requests if request.method == "POST")
    assert post.body == {"batchCode": "January"}


def test_a_note_that_renders_to_none_stays_and_an_empty_one_is_removed(sandbox: Sandbox) -> None:
    batch = run(OpenBatchOperator(task_id="open", batch_code="January", note="kept")).result["batch_id"]

    def move(status: str, note: str | None) -> Any:
        task = UpdateBatchStatusOperator(
            task_id="move", batch_id=batch, batch_status=status, note="{{ params.note }}"
        )
        return run(task, params={"note": note}).result["note"]

    assert move("Pending", None) == "kept"
    assert not move("Open", "")


def test_a_batch_is_waited_for_as_the_template_says(sandbox: Sandbox) -> None:
    batch = run(OpenBatchOperator(task_id="open", batch_code="January")).result["batch_id"]

    def wait(analysis: Any, status: Any = None) -> Any:
        task = EciBatchSensor(
            task_id="wait",
            batch_id=batch,
            batch_status="{{ params.status }}",  # type: ignore[arg-type]
            wait_for_analysis="{{ params.analysis }}",
        )
        return run(task, params={"analysis": analysis, "status": status})

    assert wait("true").result["batch_id"] == batch
    assert "there is nothing to wait for" in str(wait("False").error)
    assert "wait_for_analysis is 'None': must be True or False" in str(wait(None, "Open").error)


def test_rounds_are_counted_from_a_template(scene: TwoBills, tmp_path: Path) -> None:
    kicked_out = run(
        ImportBillsOperator(task_id="i", file=str(bill_file(tmp_path, "B-1")), on_kickouts="warn")
    ).result
    retry = RetryKickoutsOperator(
        task_id="retry",
        task_guid=kicked_out["task_guid"],
        max_rounds="{{ params.rounds }}",
        min_progress="{{ params.progress }}",
        on_kickouts="warn",
    )

    end = run(retry, params={"rounds": 3, "progress": "1"})

    assert end.state == "success", end.error
    assert len(end.result["rounds"]) == 1
    assert len(retry.record_keys) == 3


def test_a_split_takes_its_numbers_from_templates(tmp_path: Path) -> None:
    split = SplitBillFileOperator(
        task_id="split",
        file=str(bill_file(tmp_path, "A-1", "A-2", "A-3")),
        destination=str(tmp_path / "parts"),
        rows_per_file="{{ params.rows }}",
        sort="{{ params.sort }}",
    )

    assert len(run(split, params={"rows": 1, "sort": True}).result) == 3


def _required(model: type[RequestModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _optional(model: type[RequestModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.is_required()]


def _mapped(**changed: Any) -> Any:
    return run(
        CreateImportProfileOperator(task_id="p", profile_code="P", column_mapping={**MAPPING, **changed}),
        params={"nothing": None},
    )


def test_nested_fields_that_render_to_none_are_left_out(scene: TwoBills) -> None:
    settings = {**dict.fromkeys(_optional(BatchSettings), "{{ params.nothing }}"), "batch_mode": "new batch"}

    assert run(_import(scene, batch_settings=settings), params={"nothing": None}).state == "success"
    assert _mapped(**dict.fromkeys(_optional(ColumnMapping), "{{ params.nothing }}")).state == "success"
    bodies = [request.body for request in scene.sandbox.requests if request.method == "POST"]
    assert bodies[0]["batchSettings"] == {"batchMode": "new batch"} | {
        name: value for name, value in bodies[0]["batchSettings"].items() if name == "newBatchCode"
    }
    assert "None" not in json.dumps([bodies[0]["batchSettings"], bodies[1]])


@pytest.mark.parametrize("name", _required(ColumnMapping))
def test_a_required_nested_field_is_refused_by_name(name: str, sandbox: Sandbox) -> None:
    end = _mapped(**{name: "{{ params.nothing }}"})

    assert name in str(end.error)
    assert sandbox.requests == []


@pytest.mark.parametrize("name", _required(Observation))
def test_so_is_one_of_an_observation(name: str, sandbox: Sandbox) -> None:
    end = _mapped(observations=[{**MAPPING["observations"][0], name: "{{ params.nothing }}"}])

    assert f"observations.0.{name} is None" in str(end.error)
    assert sandbox.requests == []


def test_a_companion_field_that_renders_to_none_is_missed(scene: TwoBills) -> None:
    settings = {"batch_mode": "smart batch", "new_batch_code": "{{ params.nothing }}"}

    end = run(_import(scene, batch_settings=settings), params={"nothing": None})

    assert "new_batch_code is required when batch_mode is 'smart batch'" in str(end.error)
    assert scene.submits == 0


def test_mapped_tasks_take_templates_and_refuse_what_they_would_not_wait_for() -> None:
    with DAG("dag", schedule=None):
        other = BaseOperator(task_id="other")
        mapped: Any = ImportBillsOperator.partial(
            task_id="import", on_kill="{{ params.on_kill }}", reattach=other.output
        ).expand(file=["a.csv", "b.csv"])
        with pytest.raises(EciValidationError, match=r"'late': on_kill is another task's result, which .partial"):
            ImportBillsOperator.partial(task_id="late", on_kill=other.output)
        expanded: Any = ImportBillsOperator.partial(task_id="expanded", file="a.csv").expand(on_kill=other.output)

    assert mapped.upstream_task_ids == expanded.upstream_task_ids == {"other"}
    assert mapped.unmap({"file": "a.csv"}).kill_action == "{{ params.on_kill }}"


def test_a_dag_with_switches_in_templates_is_stored_and_read_again() -> None:
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
    with DAG("dag", schedule=None) as dag:
        ImportBillsOperator(task_id="import", file="a.csv", on_kill="{{ params.x }}", wait_for_analysis=True)

    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    task: Any = DagSerialization.from_dict(stored).get_task("import")

    assert (task.kill_action, task.wait_for_analysis, task.wait_for_completion) == ("{{ params.x }}", True, True)

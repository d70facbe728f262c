"""The key's owner and the organisation's settings; never the token."""

from __future__ import annotations

import pytest

from eci_provider.api import EciClient
from eci_provider.api.account import MeResponse
from eci_provider.sandbox import Sandbox

ME = {
    "systemUserCode": "jdoe",
    "fullName": "Jane Doe",
    "token": "s3cret-token",
    "Token": "s3cret-token-2",
    "environment": "Production",
    "permissions": {"billsAndBatches": {"create": True, "manage": None}, "accounts": {"view": True}},
}


def test_me_tells_owner_environment_and_permissions(eci_sandbox: Sandbox) -> None:
    key = eci_sandbox.add_user("jdoe", "Jane Doe", create=False)
    with EciClient(eci_sandbox.url, key) as client:
        me = client.account.me()
    assert (me.system_user_code, me.full_name, me.environment) == ("jdoe", "Jane Doe", "Sandbox")
    assert me.application_mode == "Online"
    assert me.permissions is not None
    assert me.permissions.bills_and_batches is not None
    assert (me.permissions.bills_and_batches.create, me.permissions.bills_and_batches.view) == (False, True)


def test_the_token_is_not_asked_for(eci_sandbox: Sandbox, client: EciClient) -> None:
    client.account.me()
    asked = eci_sandbox.requests[0].query["field"].lower().split(",")
    assert "token" not in asked
    assert "fullname" in asked


def test_a_token_that_comes_all_the_same_is_dropped(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/me", status=200, body=ME)
    me = client.account.me()
    assert me.full_name == "Jane Doe"
    for shown in (repr(me), str(me.model_dump()), str(vars(me)), str(me.model_extra), str(me.documented())):
        assert "s3cret" not in shown


def test_me_without_permissions_is_read() -> None:
    me = MeResponse.model_validate({"permissions": {"billsAndBatches": None}})
    assert me.permissions is not None
    assert me.permissions.bills_and_batches is None


@pytest.mark.parametrize("handling", ["ProcessValidBills", "MarkBatchPending"])
def test_bill_import_settings_tell_what_a_kickout_does(
    handling: str, eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.settings.error_handling = handling
    assert client.account.bill_import_settings().error_handling == handling

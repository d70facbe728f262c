"""The client: its connections, and closing them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciBadRequestError, EciNotFoundError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import MAPPING
from tests.support.raw_server import RawServer, http


def test_many_calls_share_one_connection(
    eci_sandbox: Sandbox, client: EciClient, kicked_out: str, bill_file: Path
) -> None:
    """Whatever the answers: with a body, without, large, of several pages, refusals."""
    eci_sandbox.settings.output_bytes = 1_000_000
    batch_id = client.batches.open("A").batch_id
    assert batch_id is not None
    list(client.batches.list(page_size=1))
    client.batches.update_status(batch_id, "Pending")
    client.batches.edit(batch_id, batch_code="B", note=None)
    client.tasks.get(kicked_out, fields=None)
    client.kickouts.details(kicked_out)
    with pytest.raises(EciNotFoundError):
        client.batches.get(999)
    with pytest.raises(EciBadRequestError):
        client.batches.open("B")
    client.import_profiles.create("P", MAPPING)
    client.bill_imports.submit(bill_file, profile_code="P")
    client.batches.delete(batch_id)
    client.account.me()
    assert len(eci_sandbox.requests) == 13
    assert len({record.connection for record in eci_sandbox.requests}) == 1


def test_threads_share_the_client(eci_sandbox: Sandbox, client: EciClient) -> None:
    together = threading.Barrier(4)
    found = []

    def ask() -> None:
        together.wait(10)
        found.append(client.account.me().system_user_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == ["sandbox"] * 4


@pytest.mark.parametrize("by", ["close", "with"])
def test_closing_hangs_up(by: str) -> None:
    with RawServer(http("200 OK", b"{}")) as server:
        client = EciClient(server.url, "key")
        if by == "with":
            with client as entered:
                assert entered is client
                client.account.me()
                assert not server.hung_up.is_set()
        else:
            client.account.me()
            assert not server.hung_up.is_set()
            client.close()
        assert server.hung_up.wait(10)


def test_the_client_says_where_it_speaks_to(eci_sandbox: Sandbox, client: EciClient) -> None:
    assert client.base_url == eci_sandbox.url
    assert repr(client) == f"EciClient('{eci_sandbox.url}')"


def test_the_path_of_the_address_leads_every_request() -> None:
    with (
        RawServer(http("200 OK", b'{"batchId": 1}')) as server,
        EciClient(f"{server.url}/energycap/", "key") as client,
    ):
        client.batches.get(1)
    assert server.requests[0].startswith(b"GET /energycap/api/v3/batch/1 HTTP/1.1\r\n")


def test_the_package_offers_the_client_and_the_filter() -> None:
    from eci_provider import api
    from eci_provider.api import client, filters

    assert (api.EciClient, api.where) == (client.EciClient, filters.where)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = api.nothing

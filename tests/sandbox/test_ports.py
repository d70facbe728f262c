"""Ports of loopback."""

from __future__ import annotations

import errno
import os
import socket
import sys

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.ports import LARGEST, PortError, listening, user_of


@pytest.fixture
def busy():
    with listening(0) as listener:
        yield listener.getsockname()[1]


def test_a_busy_port_says_by_what_it_is_used_and_names_a_free_one(busy):
    with pytest.raises(
        PortError, match=rf"^Port {busy} of 127.0.0.1 is in use by .*\(process {os.getpid()}\)"
    ) as caught:
        listening(busy)
    assert caught.value.errno == errno.EADDRINUSE
    with listening(caught.value.free) as listener:
        assert listener.getsockname() == ("127.0.0.1", caught.value.free)
    assert str(caught.value).endswith(f" Port {caught.value.free} is free.")


def test_a_sandbox_says_it_too(busy):
    with pytest.raises(OSError, match=f"^Port {busy} of 127.0.0.1 is in use"):
        Sandbox(port=busy).start()


def test_a_program_that_is_not_known(busy, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert user_of(busy) is None
    with pytest.raises(PortError, match="is in use by another program"):
        listening(busy)


def test_a_port_that_nobody_uses_has_no_user(busy):
    assert user_of(busy) is not None
    with listening(0) as listener:
        port = listener.getsockname()[1]
    assert user_of(port) is None


@pytest.mark.parametrize("port", [-1, LARGEST + 1])
def test_no_port(port):
    with pytest.raises(PortError, match=f"^{port} is no port"):
        listening(port)


def test_a_reserved_port(monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(PortError, match=r"^Port 80 of 127.0.0.1 is reserved by this system\.$"):
        listening(80)


def test_the_last_port_has_none_after_it():
    try:
        first = listening(LARGEST)
    except PortError:
        pytest.skip(f"port {LARGEST} is in use on this machine")
    with first, pytest.raises(PortError, match="is in use") as caught:
        listening(LARGEST)
    assert caught.value.free is None

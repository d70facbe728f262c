"""An Airflow home belongs to one run, and its environment to this project."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from dev.support import home, standalone
from dev.support.components import USER, admin_password, server_settings
from dev.support.environment import airflow_environment, connection_variable
from dev.support.errors import ToolError
from dev.support.ports import free_port
from dev.support.screen import Screen


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with (
        pytest.raises(ToolError, match="has files that the demo did not write"),
        home.with_empty_database(tmp_path, "demo", Screen(), time.sleep),
    ):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["precious.txt"]


def test_a_home_is_locked_for_one_run(tmp_path: Path) -> None:
    with (
        home.locked(tmp_path / "home", "stamp", "storm"),
        pytest.raises(ToolError, match="A storm is already running"),
        home.locked(tmp_path / "home", "stamp", "storm"),
    ):
        pass
    with home.locked(tmp_path / "home", "stamp", "storm"):
        assert (tmp_path / "home" / "logs").is_dir()


def test_airflow_gets_no_variables_of_the_users_airflow_or_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_VAR_MONTH", "AIRFLOW_CONFIG", "_AIRFLOW_WHATEVER"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "theirs")
    monkeypatch.setenv("NO_PROXY", "example.com")
    made = airflow_environment(tmp_path, **connection_variable("http://127.0.0.1:1", "key", settle_time=2))
    assert "theirs" not in made.values()
    assert made["AIRFLOW_HOME"] == str(tmp_path)
    assert made["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    assert json.loads(made["AIRFLOW_CONN_ECI_DEFAULT"]) == {
        "conn_type": "eci",
        "host": "http://127.0.0.1:1",
        "password": "key",
        "extra": {"settle_time": 2},
    }


def test_a_port_in_use_is_skipped() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port
    assert free_port(port) == port


def test_standalone_listens_on_loopback_only(tmp_path: Path) -> None:
    settings = standalone.settings(tmp_path, "http://127.0.0.1:8081")
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    program = tmp_path / "bin" / "airflow"
    program.write_text(program.read_text().replace("exec ", "echo "))
    shown = subprocess.run([program, "scheduler"], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("-m airflow scheduler --skip-serve-logs\n")
    shown = subprocess.run([program, "api-server"], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("-m airflow api-server\n")


def test_the_components_listen_on_loopback_and_share_new_secrets(tmp_path: Path) -> None:
    first, second = (server_settings(tmp_path, "http://127.0.0.1:8081", "sqlite://") for _ in range(2))
    assert first["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert first["AIRFLOW__API__PORT"] == "8081"
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] != second["AIRFLOW__API_AUTH__JWT_SECRET"]
    passwords = Path(second["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert json.loads(passwords.read_text()) == {USER: admin_password(tmp_path)}

"""A fresh database for one storm, on a PostgreSQL server of the user's or on a temporary one."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from dev.storm.errors import StormError

VARIABLE = "ECI_STORM_DATABASE"
# Airflow's own work takes the first, its API server the second as well.
DRIVERS = ("psycopg2", "asyncpg")
# Where Debian, Red Hat and Homebrew keep programs that are not on the path.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
# The socket's path must be short, and so must the time that is spent on a cluster nobody keeps.
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -k {folder}"


@contextlib.contextmanager
def fresh_database(home: Path, *, or_sqlite: bool = False) -> Iterator[str]:
    """
    Make a database, and drop it at the end.

    :param home: the Airflow home.
    :param or_sqlite: whether a SQLite file will do where PostgreSQL cannot be had.
    :return: its address, for SQLAlchemy.
    :raises StormError: if there is no server and none can be started.
    """
    missing = _missing()
    if missing and or_sqlite:
        yield f"sqlite:///{home / 'airflow.db'}"
        return
    if missing:
        raise StormError(f"A storm needs PostgreSQL: {missing}.")
    with _server() as server:
        name = f"eci_storm_{secrets.token_hex(4)}"
        _execute(server, f'CREATE DATABASE "{name}"')
        try:
            yield _with_database(server, name)
        finally:
            _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def database_name(address: str) -> str:
    """Return what the database is and its version, such as ``PostgreSQL 15.4``."""
    if address.startswith("sqlite"):
        return f"SQLite {_execute(address, 'SELECT sqlite_version()')}"
    return f"PostgreSQL {_execute(address, 'SHOW server_version')}".partition(" (")[0]


def _missing() -> str | None:
    """Tell what PostgreSQL lacks; None if nothing."""
    drivers = [name for name in DRIVERS if find_spec(name) is None]
    if drivers:
        return f"{' and '.join(drivers)} cannot be imported"
    if os.environ.get(VARIABLE) or (_program("initdb") and _program("pg_ctl")):
        return None
    return (
        f"its initdb and pg_ctl are not found. Install its server, or name one, such as "
        f"{VARIABLE}=postgresql+psycopg2://postgres@127.0.0.1:5432/postgres"
    )


@contextlib.contextmanager
def _server() -> Iterator[str]:
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    with _temporary_cluster() as address:
        yield address


@contextlib.contextmanager
def _temporary_cluster() -> Iterator[str]:
    """Start a cluster that nobody but this user reaches: no port, a socket in a folder of its own."""
    user = _server_user()
    with tempfile.TemporaryDirectory(prefix="eci-storm-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = str(Path(folder, "data"))
        _call(user, "initdb", "-D", data, "-A", "trust", "-U", "storm", "--no-sync", "-E", "UTF8", folder=folder)
        options = OPTIONS.format(folder=folder)
        log = str(Path(folder, "log"))
        _call(user, "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start", folder=folder)
        try:
            yield f"postgresql+psycopg2://storm@/postgres?host={folder}"
        finally:
            _call(user, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", folder=folder)


def _server_user() -> str | None:
    """
    Return as whom the server runs; None for this user. PostgreSQL refuses root.

    :raises StormError: for root, where nobody is called postgres.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise StormError(
            f"PostgreSQL does not run as root, and there is no user postgres: run the storm as another user, "
            f"or name a server in {VARIABLE}."
        ) from None


def _call(user: str | None, program: str, *arguments: str, folder: str) -> None:
    path = _program(program)
    # pg_ctl's server would keep a pipe open, so what is said goes to a file.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(  # noqa: S603 (PostgreSQL's own programs)
            [str(path), *arguments], user=user, cwd=folder, stdout=said, stderr=said, check=False
        )
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    if done.returncode:
        raise StormError(f"{path} failed: {text[-500:]}")


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    if found:
        return Path(found)
    return next((Path(path) for folder in FOLDERS for path in sorted(glob.glob(f"{folder}/{name}"))), None)


def _with_database(server: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(address: str, statement: str) -> object:
    """Run one statement outside any transaction, and return the first value of its answer, if it has one."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            answer = connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    except DBAPIError as error:
        raise StormError(f"The database at {engine.url} refuses: {error.orig}") from None
    finally:
        engine.dispose()

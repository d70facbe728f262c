"""A new database for one run of a tool, on the user's PostgreSQL server or on a temporary one."""

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

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from dev.support.errors import ToolError

VARIABLE = "ECI_STORM_DATABASE"
# Airflow needs the first; its API server also needs the second.
DRIVERS = ("psycopg2", "asyncpg")
# Folders of PostgreSQL's programs on Debian, Red Hat and Homebrew, which are not on the path.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
# The server is temporary, so nothing has to survive a crash of the machine.
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -k {folder}"


@contextlib.contextmanager
def fresh_database(home: Path, *, or_sqlite: bool = False) -> Iterator[str]:
    """
    Create a database, and drop it at the end.

    :param home: the Airflow home.
    :param or_sqlite: whether to use a SQLite file if there is no PostgreSQL.
    :return: its address, for SQLAlchemy.
    :raises ToolError: if there is no server, and none can be started.
    """
    missing = _missing()
    if missing and or_sqlite:
        yield f"sqlite:///{home / 'airflow.db'}"
        return
    if missing:
        raise ToolError(f"This needs PostgreSQL: {missing}.")
    with _server() as server:
        name = f"eci_storm_{secrets.token_hex(4)}"
        _execute(server, f'CREATE DATABASE "{name}"')
        try:
            yield _with_database(server, name)
        finally:
            _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def database_name(address: str) -> str:
    """Return the database's kind and version, such as ``PostgreSQL 15.4``."""
    if address.startswith("sqlite"):
        return f"SQLite {_execute(address, 'SELECT sqlite_version()')}"
    return f"PostgreSQL {_execute(address, 'SHOW server_version')}".partition(" (")[0]


def _missing() -> str | None:
    """Return what is missing to use PostgreSQL; None if nothing is."""
    drivers = [name for name in DRIVERS if find_spec(name) is None]
    if drivers:
        return f"{' and '.join(drivers)} cannot be imported"
    if os.environ.get(VARIABLE) or (_program("initdb") and _program("pg_ctl")):
        return None
    return (
        f"initdb and pg_ctl were not found. Install a PostgreSQL server, or set the address of one, such as "
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
    """Start a server that only this user can reach: it has no port, and its socket is in a new folder."""
    user = _server_user()
    with tempfile.TemporaryDirectory(prefix="eci-") as folder:
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
    Return the user that the server runs as; None for the current one. PostgreSQL refuses to run as root.

    :raises ToolError: for root, if there is no user postgres.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise ToolError(
            f"PostgreSQL does not run as root, and there is no user postgres. Run this as another user, "
            f"or set the address of a server in {VARIABLE}."
        ) from None


def _call(user: str | None, program: str, *arguments: str, folder: str) -> None:
    path = _program(program)
    # The server that pg_ctl starts would keep a pipe open; so the output goes to a file.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603 (PostgreSQL's own programs)
            [str(path), *arguments], user=user, cwd=folder, stdout=output, stderr=output, check=False
        )
        output.seek(0)
        written = output.read().decode(errors="replace").strip()
    if done.returncode:
        raise ToolError(f"{path} failed: {written[-500:]}")


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    if found:
        return Path(found)
    return next((Path(path) for folder in FOLDERS for path in sorted(glob.glob(f"{folder}/{name}"))), None)


def _with_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(address: str, statement: str) -> object:
    """Run one statement outside of a transaction, and return the first value of its result, if it has one."""
    engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            answer = connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    except DBAPIError as error:
        raise ToolError(f"The database at {engine.url} answered with an error: {error.orig}") from None
    finally:
        engine.dispose()

"""The package's wheel, installed where the source tree is not."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITE = sysconfig.get_path("purelib")
_STORE = """\
import os

from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem


class Store(DirFileSystem):
    protocol = "s3"

    def __init__(self, *args, **options):
        super().__init__(os.environ["S3_FOLDER"], LocalFileSystem(auto_mkdir=True))
"""
_STORE_OF_AIRFLOW = """\
schemes = ["s3"]


def get_fs(conn_id, storage_options=None):
    from store_at_s3 import Store

    return Store()


def get_provider_info():
    return {
        "package-name": "store-at-s3",
        "name": "Store",
        "description": "Stand-in for a store.",
        "filesystems": ["store_at_s3.airflow_store"],
    }
"""
_STORE_ENTRY_POINTS = """\
[apache_airflow_provider]
provider_info=store_at_s3.airflow_store:get_provider_info

[fsspec.specs]
s3=store_at_s3:Store
"""


def build_wheel(folder: Path) -> Path:
    """
    Build the wheel.

    :param folder: where it goes.
    :return: the wheel.
    """
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment_with(wheel: Path, folder: Path) -> Path:
    """
    Make an environment with a wheel and with all that is installed here, so that nothing has to be downloaded.

    :param wheel: the wheel.
    :param folder: the environment's folder.
    :return: its folder of commands.
    """
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    link_installed(site)
    add_store(site)
    python = folder / "bin" / "python"
    _run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "-q",
        "--offline",
        "--no-deps",
        "--python",
        str(python),
        str(wheel),
    )
    add_commands(folder / "bin")
    return folder / "bin"


def link_installed(site: Path) -> None:
    """
    Make all that is installed here importable from another environment, apart from what is installed as editable.

    A folder that a .pth file names is searched, but .pth files in it are not read: the source tree is not found.

    :param site: the other environment's folder of packages.
    """
    (site / "installed_here.pth").write_text(SITE + "\n")


def add_store(site: Path) -> None:
    """
    Install a stand-in for the provider that opens ``s3://``: a folder that ``S3_FOLDER`` names.

    :param site: the environment's folder of packages.
    """
    package = site / "store_at_s3"
    package.mkdir()
    (package / "__init__.py").write_text(_STORE)
    (package / "airflow_store.py").write_text(_STORE_OF_AIRFLOW)
    about = site / "store_at_s3-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: store-at-s3\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_STORE_ENTRY_POINTS)


def add_commands(folder: Path) -> None:
    """
    Add the command ``airflow``, which the packages that are only linked do not bring.

    :param folder: a folder of commands.
    """
    command = folder / "airflow"
    command.write_text('#!/bin/sh\nexec python -m airflow "$@"\n')
    command.chmod(0o755)


def clean_environ(home: Path, **variables: str) -> dict[str, str]:
    """
    Return an environment without what this process was told about Airflow and Python.

    :param home: the home folder.
    :param variables: what to add.
    """
    dropped = ("AIRFLOW", "PYTHON", "PIP_", "VIRTUAL_ENV", "COV_", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", **variables}


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

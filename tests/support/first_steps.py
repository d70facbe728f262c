"""The README's first steps, typed into one shell: from an empty home folder to a DAG that has run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.blocks import ROOT, Block, for_this_airflow
from tests.support.wheel import add_commands, clean_environ

#: Typed after the README's blocks: what does the sandbox hold, and which package did all that?
_AFTERWARDS = """
python - <<'END'
import json
import eci_provider
from eci_provider.api import EciClient

with EciClient("http://127.0.0.1:8765", "my-sandbox-key") as client:
    batches = [[batch.batch_status.lower(), batch.bill_count] for batch in client.batches.list()]
with open("/tmp/report.json", "w") as report:
    json.dump({"package": eci_provider.__file__, "batches": batches}, report)
END
"""
#: Stands in for python3: what is installed here is importable in an environment that it makes, as if pip had
#: downloaded it.
_PYTHON3 = """\
#!/bin/sh
"{python}" "$@" || exit
if [ "$1 $2" = "-m venv" ]; then
    for site in "$3"/lib/python*/site-packages; do echo "{site}" > "$site/installed_here.pth"; done
fi
"""
#: pip may neither download nor build elsewhere, and does not compile what is hardly used. The variables of the two
#: switches that are 0 have the opposite sense: 0 sets them.
_PIP = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_NO_COMPILE": "0",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_FORCE_REINSTALL": "1",  # the wheel replaces what was installed from the checkout
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


@dataclass
class FirstSteps:
    """
    A shell in which the blocks are typed.

    :param blocks: the README's blocks, in their order.
    :param wheel: the wheel that ``make build`` would make.
    :param folder: where the home folder and a copy of the checkout go.
    """

    blocks: list[Block]
    wheel: Path
    folder: Path

    def start(self) -> None:
        """Start typing; :meth:`finish` waits for the end."""
        home, checkout, commands = (self.folder / name for name in ("home", "checkout", "commands"))
        for new in (home, checkout / "dist", commands, self.folder / "tmp", self.folder / "elsewhere"):
            new.mkdir(parents=True)
        for name in (
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "constraints",
            "eci_provider",
            "airflow_provider_eci",
        ):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, checkout / name)
        shutil.copy(self.wheel, checkout / "dist")
        python3 = commands / "python3"
        python3.write_text(_PYTHON3.format(python=sys.executable, site=sysconfig.get_path("purelib")))
        python3.chmod(0o755)
        add_commands(commands)
        environ = clean_environ(home, **_PIP)
        environ["PATH"] = f"{commands}{os.pathsep}{environ['PATH']}"
        with self._log.open("w") as log:
            self._shell = subprocess.Popen(
                ["bash", "-e"],
                cwd=checkout,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # with the sandbox that it starts
            )
        assert self._shell.stdin
        with self._shell.stdin as keyboard:
            keyboard.write(self._script())

    @property
    def _log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def log(self) -> str:
        """What the shell has shown."""
        return self._log.read_text()

    def _script(self) -> str:
        lines = []
        for block in self.blocks:
            lines.append(f"echo {block.name} >> {self.folder}/begun.txt\n")
            lines.append(_saved(block) if block.saved_as else block.code)
            if "pip install" in block.code:
                lines.append(f"\ncd {self.folder}/elsewhere\n" if block == self._installs[-1] else "\n")
        return self._adapted("".join([*lines, _AFTERWARDS]))

    @property
    def _installs(self) -> list[Block]:
        return [block for block in self.blocks if "pip install" in block.code]

    def _adapted(self, script: str) -> str:
        """Return the lines with a free port and a folder of their own: others may use those of the page."""
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            port = server.getsockname()[1]
        return (
            for_this_airflow(script)
            .replace(":8765", f":{port}")
            .replace("-m eci_provider.sandbox", f"-m eci_provider.sandbox --port {port}")
            .replace('"/tmp/', f'"{self.folder}/tmp/')  # noqa: S108 - what the page says
        )

    def finish(self) -> dict[str, Any]:
        """
        Wait for the end.

        :return: ``failed``, the block at which the shell stopped, if it did; ``package``, from where the package
            was imported; ``batches``, the status of each batch in the sandbox and its number of bills.
        """
        try:
            status = self._shell.wait(timeout=300)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGTERM)
        if status:
            return {"failed": (self.folder / "begun.txt").read_text().split()[-1]}
        report: dict[str, Any] = json.loads((self.folder / "tmp" / "report.json").read_text())
        return {"failed": None, **report}


def _saved(block: Block) -> str:
    return f"cat > {block.saved_as} <<'END OF BLOCK'\n{block.code}END OF BLOCK\n"

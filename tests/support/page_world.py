"""
What the blocks of pages find where they run: a sandbox, files, a store, and the names that a reader knows.

``page_runner`` uses this, in the environment of a wheel.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi

from eci_provider import operators, sensors
from eci_provider.api import EciClient
from eci_provider.api.column_mapping import mapping_from_header
from eci_provider.sandbox import Sandbox

try:
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task

#: A file in EnergyCAP's Advanced format, and one that the import profile "Electric" describes.
ADVANCED = """\
ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,USE:KWH:Energy,COST:USD:Charges
1001,20260101,20260131,A,M-1,820,120.50
1002,20260101,20260131,A,M-2,410,61.20
"""
ELECTRIC = """\
Account,From,To,Meter,kWh,Charges
1001,01/01/2026,01/31/2026,M-1,820,120.50
1002,01/01/2026,01/31/2026,M-2,410,61.20
"""
#: A row that is kicked out, as long as nobody adds the account.
UNKNOWN = {
    ADVANCED: "1003,20260101,20260131,A,M-3,90,14.75\n",
    ELECTRIC: "1003,01/01/2026,01/31/2026,M-3,90,14.75\n",
}
MAPPING: dict[str, Any] = {
    "header": ELECTRIC.splitlines()[0].split(","),
    "date_format": "mm/dd/yyyy",
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "meter_code": "Meter",
    "observations": [
        {"column": "kWh", "observation_type_code": "USE", "unit_code": "KWH"},
        {"column": "Charges", "observation_type_code": "COST", "unit_code": "USD"},
    ],
}
#: The page that goes on from the README, and the one about rows that are kicked out.
START = "docs/start.md"
KICKOUTS = "docs/kickouts.md"


class World:
    """
    What the blocks of a page find: a sandbox that knows two accounts, bill files, and a store at ``s3://``.

    :param page: the page.
    :param folder: where its files go.
    """

    def __init__(self, page: str, folder: Path) -> None:
        self.page = page
        self.folder = folder / page.replace("/", "_").replace(".", "_")
        self.sandbox = Sandbox().start()
        for number in "12":
            self.sandbox.add_account(f"100{number}", meters=[f"M-{number}"])
        if page == KICKOUTS:
            self.sandbox.settings.error_handling = "MarkBatchPending"
        self.closed_batch, self.other_import = self._what_others_did()
        #: An import of the README's first steps: account 1003 is not there yet.
        self.first_bills = self.sandbox.start_import(ADVANCED + UNKNOWN[ADVANCED]) if page == START else None
        self._write_files()

    def _what_others_did(self) -> tuple[int, str]:
        with EciClient(self.sandbox.url, self.sandbox.api_key) as client:
            if self.page != "docs/operators/create-import-profile.md":
                client.import_profiles.create("Electric", mapping_from_header(**MAPPING))
            batch = client.batches.open("Of others")
            client.batches.close(batch.batch_id)
        return batch.batch_id, self.sandbox.start_import(ADVANCED)

    def _write_files(self) -> None:
        kicked_out = self.page == KICKOUTS
        advanced, electric = (text + UNKNOWN[text] * kicked_out for text in (ADVANCED, ELECTRIC))
        self._write("bills.csv", advanced)
        self._write("with_kickouts.csv", ADVANCED + UNKNOWN[ADVANCED])
        self._write("electric.csv", electric)
        self._write("eci/bills.csv", advanced)
        self._write("accounts.csv", "account,meter\n1001,M-1\n1002,M-2\n")
        self._write("columns.json", json.dumps(MAPPING))
        for name in ("electric", "2026-01/electric", "2025-12/electric", "2026-01", "2026-10"):
            self._write(f"s3/bills/{name}.csv", electric)
        with zipfile.ZipFile(self.folder / "s3/bills/2026-01.zip", "w") as archive:
            archive.writestr("electric.csv", electric)

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def connection(self) -> str:
        return json.dumps(
            {
                "conn_type": "eci",
                "host": self.sandbox.url,
                "password": self.sandbox.api_key,
                "extra": {"settle_time": 0},
            }
        )

    def enter(self) -> None:
        """Use this world in this process, and so in the next task."""
        os.environ["AIRFLOW_CONN_ECI_DEFAULT"] = self.connection
        os.chdir(self.folder)
        store = Path(os.environ["S3_FOLDER"])
        store.unlink(missing_ok=True)
        store.symlink_to(self.folder / "s3")

    def adapted(self, code: str) -> str:
        """
        Return a block whose names of other machines, and of what this one may use otherwise, are replaced.

        :param code: the block.
        """
        for name, stand_in in {
            "/tmp/": f"{self.folder}/",  # noqa: S108 - what the pages say
            "https://app.energycap.com": self.sandbox.url,
            "http://127.0.0.1:8765": self.sandbox.url,
            "https://energy.example.com": self.sandbox.url,
            "YOUR-KEY": self.sandbox.api_key,
            "/etc/ssl/certs/our-ca.pem": certifi.where(),
        }.items():
            code = code.replace(name, stand_in)
        return code


class Frame:
    """
    What blocks use that their pages do not define, because a reader knows it.

    :param world: the world of the page.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def provided(self, name: str) -> Any:
        """
        Return a value by its name.

        :raises NameError: if a block uses something else. Define it in the block, or add it here.
        """
        if name in CONSTANTS:
            return CONSTANTS[name]
        maker: Callable[[], Any] | None = getattr(self, f"_{name}", None)
        if maker is None:
            raise NameError(f"name {name!r} is neither defined by the page nor in Frame")
        return maker()

    def _batch(self) -> Any:
        return operators.OpenBatchOperator(task_id="batch", batch_code="Bills of {{ run_id }}")

    def _bills(self) -> Any:
        return operators.ImportBillsOperator(task_id="bills", file="with_kickouts.csv", on_kickouts="warn")

    def _check(self) -> Any:
        return operators.CheckBillFileOperator(
            task_id="check", file="s3://bills/electric.csv", profile_code="Electric"
        )

    def _split(self) -> Any:
        return operators.SplitBillFileOperator(
            task_id="split",
            file="s3://bills/electric.csv",
            profile_code="Electric",
            destination="s3://parts",
        )

    def _wait_until_corrected(self) -> Any:
        @task
        def wait_until_corrected() -> None: ...

        return wait_until_corrected()

    def _eci_sandbox(self) -> Sandbox:
        return self._world.sandbox

    def _api_key(self) -> str:
        return self._world.sandbox.api_key

    def _mapping(self) -> Any:
        return MAPPING


CONSTANTS: dict[str, Any] = {
    **{name: getattr(operators, name) for name in operators.__all__},
    **{name: getattr(sensors, name) for name in sensors.__all__},
    # Of packages that are not installed here, and of the reader's own.
    **dict.fromkeys(("SlackNotifier", "SlackWebhookNotifier", "AppriseNotifier"), lambda **arguments: print),
    "slack": print,
    "tickets": SimpleNamespace(create=print),
    "dag": dag,
    "task": task,
    "datetime": datetime,
    "timedelta": timedelta,
}

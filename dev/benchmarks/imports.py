"""Import time: how long a DAG file waits for our modules and for those of five other providers."""

from __future__ import annotations

import statistics

from dev.benchmarks.children import json_from_python
from dev.benchmarks.results import Section, Target, versions

#: Ours are all modules for DAG files; of the others, only the operators are imported, which favours them.
OURS = "eci_provider"
IMPORTS = {
    OURS: "import eci_provider.operators, eci_provider.sensors, eci_provider.triggers",
    "airbyte": "import airflow.providers.airbyte.operators.airbyte",
    "http": "import airflow.providers.http.operators.http",
    "dbt-cloud": "import airflow.providers.dbt.cloud.operators.dbt",
    "fivetran-async": "import fivetran_provider_async.operators",
    "databricks": "import airflow.providers.databricks.operators.databricks",
}
PEERS = (
    "apache-airflow-providers-airbyte",
    "apache-airflow-providers-http",
    "apache-airflow-providers-dbt-cloud",
    "airflow-provider-fivetran-async",
    "apache-airflow-providers-databricks",
)
#: Every DAG file imports DAG and BaseOperator. `import airflow.sdk` alone does not load them.
SCRIPT = """
import time
start = time.perf_counter()
import airflow.sdk
from airflow.sdk import DAG, BaseOperator
bare = time.perf_counter()
{statement}
print([bare - start, time.perf_counter() - bare])
"""


def measure(*, quick: bool) -> Section:
    """
    Import each provider in new processes, in turns.

    :param quick: whether to import each less often.
    """
    rounds = 3 if quick else 15
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    bare: list[float] = []
    for turn in range(rounds + 1):
        for name, statement in IMPORTS.items():
            sdk, own = json_from_python(["-c", SCRIPT.format(statement=statement)])
            if turn:  # the first turn compiles modules and fills the disk cache
                bare.append(sdk)
                taken[name].append(own)
    medians = {name: statistics.median(seconds) * 1000 for name, seconds in taken.items()}
    ours = medians[OURS]
    conditions = (
        f"Medians of {rounds} processes each, in turns, after one that does not count. {versions(*PEERS)}."
    )
    section = Section("imports", "Import time", ("import", "ms above airflow.sdk", "ours, times this"), conditions)
    section.rows.append(("airflow.sdk itself", f"{statistics.median(bare) * 1000:.0f}", ""))
    section.rows += [(name, f"{each:.1f}", f"{ours / each:.2f}") for name, each in medians.items()]
    peers = [each for name, each in medians.items() if name != OURS]
    section.targets = [
        Target("ours above airflow.sdk", ours, 40.0, "ms"),
        Target("ours to the fastest of the others", ours / min(peers), 1 / 8),
    ]
    return section

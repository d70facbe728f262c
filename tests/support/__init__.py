"""
Helpers of the tests, apart from the fixtures in ``conftest.py``.

- ``run_task``: run a task as Airflow does, without its database; ``Tries`` for retries and clears.
- ``waiting_tasks``, ``two_bills``, ``import_tries``: tasks that wait for an import, and their bill files.
- ``hub``: many triggers that share one poller.
- ``bill_files``, ``report_rows``: contents of bill files and reports.
- ``review_airflow``: a whole Airflow with the DAG that asks a person about kickouts.
"""

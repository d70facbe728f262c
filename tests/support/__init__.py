"""
Helpers of the tests, apart from the fixtures in ``conftest.py``.

- ``blocks``: the code blocks of the README and the pages; ``first_steps`` types the README's into a shell,
  ``page_runner`` and ``page_world`` run all others, and ``wheel`` installs the package where the source is not.
- ``run_task``: run a task as Airflow does, without its database; ``Tries`` for retries and clears.
- ``waiting_tasks``, ``two_bills``, ``import_tries``, ``submissions``: tasks that import, and their files.
- ``sends``: do something around each request that starts an import.
- ``turned_clock``: a clock that waits turn, and the connection to a sandbox.
- ``cluster_policy``: DAG files that Airflow loads under a cluster policy.
- ``hub``: many triggers that wait together in one hub.
- ``triggerer``: a triggerer in a process of its own.
- ``docstrings``: what a class's docstring says about its arguments.
- ``api_data``, ``kickout_answers``: bills, mappings and answers for the API's tests.
- ``raw_server``, ``connection_server``, ``certificates``: servers that send any bytes, break off, or use TLS.
- ``mail_server``: a mail server that keeps what it is given.
- ``gateway``: gateways before a sandbox that answer otherwise, such as with lists without an end.
- ``energycap_sdk``: EnergyCAP's own client, to compare with.
- ``tracebacks``: everything that an error might show.
- ``argument_kinds``: what each argument of operators and sensors takes and refuses.
- ``sandbox_scene``: a sandbox in which a month has happened, to look at its pages.
- ``values``: values as numpy, Decimal, enumerations and lazy objects make them.
- ``bill_files``, ``odd_values``, ``report_rows``: contents of bill files and reports.
- ``pattern_growth``: whether a pattern can backtrack.
- ``stores``: object stores without a network.
- ``accessibility``: what axe finds in a page.
- ``example_runs``: a program that runs an example DAG in each kind of run.
- ``whole_airflow``: a whole Airflow beside a sandbox.
- ``review_airflow``: a whole Airflow with the DAG that asks a person about kickouts.
"""

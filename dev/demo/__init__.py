"""
The provider at work on this machine alone: ``make demo`` (``python -m dev.demo``), and ``make ui`` to click
through.

Real bills go from a CSV file through Airflow into the sandbox, an EnergyCAP look-alike. Some rows are kicked out.
An analyst corrects what the kickouts name, and the DAG retries the kickouts and closes the batch.

It uses :mod:`dev.support`, the sandbox, and the API client for the analyst's part. It does not import Airflow,
which runs in processes of its own with an ``AIRFLOW_HOME`` inside the checkout.
"""

"""
The provider at work on this machine alone: ``make demo`` (``python -m dev.demo``); ``make ui`` to click through.

Real bills go from a CSV file through Airflow into the sandbox, an EnergyCAP look-alike. Some are kicked out, an
analyst corrects what the kickouts name, the DAG retries them and closes the batch.

Nothing here imports Airflow: it runs in processes of its own, with an ``AIRFLOW_HOME`` inside the checkout.
"""

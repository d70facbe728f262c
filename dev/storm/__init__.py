"""
A storm: a whole Airflow imports bills into a sandbox that fails at random, while its processes are killed.

``python -m dev.storm`` runs one and prints the result; tests call :func:`dev.storm.running.run`.

It uses :mod:`dev.support` and the sandbox. Airflow and the provider run in processes of their own.
"""

"""
The crash matrix: a task is killed at every point, Airflow's next attempt runs, and EnergyCAP's content is counted.

``python -m tests.crash`` (``make crash``) runs all cells, ``test_sample`` some of them. A cell runs in forked
processes against a sandbox in another process; Airflow's part is played by doubles that keep their data on disk.
"""

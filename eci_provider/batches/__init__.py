"""
What is done to batches: open one once, change its status, void it when a task is killed.

It may touch the client (`api`), Airflow (`runtime`), the meaning of an end (`waiting`), and `submission` for its
records and settling.
"""

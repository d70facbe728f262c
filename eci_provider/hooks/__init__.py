"""
Turn an Airflow connection into a client: the hook, the connection's settings, the template of the task's link.

It may touch the client (`api`) and Airflow (`runtime`).
"""

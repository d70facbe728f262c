"""
Submit an import once: record what is sent, search for what became of it, and only then send it again.

It may touch the client (`api`), Airflow (`runtime`) and the meaning of a status (`waiting`).
"""

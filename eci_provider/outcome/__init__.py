"""
What the end of an import means: its result, whether its bills count, and what the Airflow task makes of it.

It may touch the client (`api`), Airflow (`runtime`) and the poll's rules (`waiting`); it submits nothing.
"""

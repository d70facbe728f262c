"""
What the tools in ``dev`` share: an Airflow on this machine in processes of its own, its REST API, and the
terminal.

It imports neither Airflow nor ``eci_provider``: both run in the processes that it starts.
"""

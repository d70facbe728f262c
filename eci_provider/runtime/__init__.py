"""
What only touches Airflow: versions, context, arguments, our errors as Airflow's exceptions, hints in errors.

It may touch the errors and models of the client (`api`); it sends nothing.
"""

"""
Example DAGs: each file is one to read, to run against the sandbox, and to copy.

The folder ``example_dags`` at the top of the project leads here. May touch what an author uses: ``operators``,
``sensors``, ``hooks``, ``api`` and ``retry_policy``.
"""

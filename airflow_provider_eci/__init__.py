"""
The place where Airflow looks for this provider's example DAGs.

Airflow 3.2 and newer derive the module from the name of the distribution, import it, and log an error with a
traceback if there is none. Import nothing from here: the package is ``eci_provider``.
"""

from eci_provider import __path__

__all__ = ["__path__"]

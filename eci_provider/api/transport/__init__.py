"""
HTTP with EnergyCAP: the session, its connections, bodies, retries and failures.

It touches core, and the errors and models of api; it knows no resource.
"""

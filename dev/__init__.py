"""
Tools of the people who work on the provider: the demo, the storm, the benchmarks, the docs' link check.

Each tool is a package that ``python -m`` runs; what several of them need is in :mod:`dev.support`. They may use
anything of the project. Nothing of ``eci_provider`` imports them, and no wheel contains them.
"""

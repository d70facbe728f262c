"""
Kickouts: the rows that an import refused, read from EnergyCAP, counted and reported.

It touches transport, and the models of api.
"""

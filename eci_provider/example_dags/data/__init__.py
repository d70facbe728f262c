"""
Bill files of the examples, and a program that writes a long one.

``nycha_electric_bills.csv`` has real bills of the New York City Housing Authority. EnergyCAP replaces a bill when
one of the same account and period is imported. So each example has bills of its own: ``by_development`` and
``nycha_electric_use.csv`` have the same amounts in other years, the bills of ``new_buildings.csv`` and
``long_electric_bills.csv`` are invented. May touch nothing.
"""

"""
Bill files of the examples, and a program that writes a long one.

May touch nothing.
"""

"""
Carry out an import from its submission to its conclusion, or a retry of kickouts in rounds.

May touch every room below, and is touched by operators alone.
"""

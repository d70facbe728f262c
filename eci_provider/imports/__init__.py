"""
An import from its submission to its conclusion, as an operator's task carries it out.

It may use every room below: submission, waiting, outcome, batches, reports and triggers.
Only operators use it; it knows none of them.
"""

"""
An import from its submission to its conclusion, as an operator's task carries it out.

It may touch every room below, of which it uses submission, waiting, outcome, batches, reports and triggers. Only
operators use it; it knows none of them.
"""

"""What can keep a storm from being had at all; what is found in it is its result."""

from __future__ import annotations


class StormError(Exception):
    """Tell that the storm could not take place, and what to do about it."""

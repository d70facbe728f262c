"""Triggers: the waits that take no worker."""

from __future__ import annotations

from eci_provider.triggers.batch import EciBatchTrigger
from eci_provider.triggers.task import EciTaskTrigger

__all__ = ["EciBatchTrigger", "EciTaskTrigger"]

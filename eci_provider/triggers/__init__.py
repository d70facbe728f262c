"""
Triggers: wait for an import, or for a batch, without a worker.

May touch `api`, `runtime`, `hooks`, `waiting`, `batches` and `core`.
Importing a trigger loads neither the models nor the HTTP library.
"""

from __future__ import annotations

from eci_provider.triggers.batch import EciBatchTrigger
from eci_provider.triggers.task import EciTaskTrigger

__all__ = ["EciBatchTrigger", "EciTaskTrigger"]

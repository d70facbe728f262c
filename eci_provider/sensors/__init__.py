"""
Sensors: wait for an import, or for a batch.

May touch every room below; importing a sensor loads neither the models nor the HTTP library.
"""

from __future__ import annotations

from eci_provider.sensors.batch import EciBatchSensor
from eci_provider.sensors.task import EciTaskSensor

__all__ = ["EciBatchSensor", "EciTaskSensor"]

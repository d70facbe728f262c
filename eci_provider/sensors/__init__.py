"""Sensors: wait for an import, wait for a batch."""

from __future__ import annotations

from eci_provider.sensors.batch import EciBatchSensor
from eci_provider.sensors.task import EciTaskSensor

__all__ = ["EciBatchSensor", "EciTaskSensor"]

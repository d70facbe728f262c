"""
Notifications: messages about kickouts, sent with any notifier of Airflow.

May touch runtime, outcome, api and links; importing it loads neither the models nor the HTTP library.
"""

from __future__ import annotations

from eci_provider.notifications.kickouts import EciKickoutNotifier

__all__ = ["EciKickoutNotifier"]

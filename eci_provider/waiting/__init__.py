"""
Waiting for something in EnergyCAP: when to poll, what is polled, and how a wait ends.

May touch `api`, `runtime`, `hooks` and `core`. The same pollers serve workers and triggers.
"""

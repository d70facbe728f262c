"""
Files in folders and in object stores: opened by URL, and written whole or not at all.

May touch core.
"""

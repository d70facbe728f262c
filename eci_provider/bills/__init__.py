"""A bill file before it leaves: the room for column mapping, checks and splitting."""

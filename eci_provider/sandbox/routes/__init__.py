"""
The endpoints, a room per resource.

All of them are ``async def`` without a pause inside: they run in the event loop's thread, one at a time.
"""

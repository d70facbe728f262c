"""
The endpoints of the API, one module per resource, the sandbox's own controls, and its pages.

An endpoint reads the request and calls a module of :mod:`eci_provider.sandbox`; it has no state of its own, and
touches nothing else. All are ``async def`` and never await: they run in the event loop's thread, one at a time.
"""

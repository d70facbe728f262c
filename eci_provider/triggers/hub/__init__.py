"""
The hub of a connection: all triggers of a triggerer poll together, with few requests.

`event` is what triggers call; `hub` lives in the event loop, `runner` and what it uses in the hub's own thread.
May touch `api`, `hooks` and `waiting`.
"""

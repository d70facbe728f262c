"""
The sandbox's pages: batches, bill imports and their kickouts, to look at in a browser.

``imports``, ``batches``, ``kickouts``, ``bills`` and ``requests`` read what a page shows, and ``pages`` puts it
into the templates. The styles and scripts are in ``static``.

It may touch the sandbox only, and reads it: nothing here changes its state. A page loads nothing from any other
host.
"""

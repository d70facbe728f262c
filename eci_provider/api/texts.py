"""Keep texts of unknown length within bounds."""

from __future__ import annotations

import json

#: The most bytes of JSON that a text of the server takes where it is kept: in XCom, in a trigger's event.
LONGEST_TEXT = 1000


def cut(text: str | None, most: int) -> str | None:
    """
    Return a text whose JSON takes at most so many bytes.

    :param text: what the server sent.
    :param most: bytes; a character beyond ASCII takes six or more.
    """
    if text is None or len(json.dumps(text)) <= most:
        return text
    keep = min(len(text), most)
    while len(json.dumps(text[:keep])) > most - 3:
        keep = keep * 3 // 4
    return text[:keep] + "..."

"""Errors of the API, and the formats in which they are answered."""

from __future__ import annotations

import html
import json


class ApiError(Exception):
    """
    An error that the API answers.

    :param status: HTTP status code.
    :param message: text for a person.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def error_body(message: str, error_format: str) -> tuple[str, bytes]:
    """
    Return the body of an error.

    Assumption: the format is not documented, so ``{"message": ...}`` is only the default of four.

    :param error_format: ``json``, ``json_string``, ``text`` or ``html``.
    :return: content type and body.
    """
    if error_format == "text":
        return "text/plain; charset=utf-8", message.encode()
    if error_format == "html":
        page = f"<html><head><title>Error</title></head><body><h1>{html.escape(message)}</h1></body></html>"
        return "text/html; charset=utf-8", page.encode()
    content = message if error_format == "json_string" else {"message": message}
    return "application/json; charset=utf-8", json.dumps(content).encode()

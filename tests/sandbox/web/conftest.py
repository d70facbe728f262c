"""Fixtures: the pages of a sandbox as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
import requests

from eci_provider.sandbox import Sandbox


@pytest.fixture
def read(sandbox: Sandbox) -> Callable[..., str]:
    """Give a function that returns what a page says: without tags, white space as one space."""

    def page(path: str, expected: int = 200, **query: str) -> str:
        answer = requests.get(sandbox.url + path, params=query, timeout=10)
        assert answer.status_code == expected
        body = re.sub(r"<(style|script).*?</\1>", "", answer.text, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    return page

"""The browser itself: what the tests of pages build on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.accessibility import barriers

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHELL = "<!doctype html><html lang='en'><title>A page</title><main><h1>A page</h1>{}</main></html>"


def test_the_browser_reaches_no_other_host(page: Page) -> None:
    from playwright.sync_api import Error

    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.com/")


def test_axe_finds_a_barrier_and_no_other(page: Page) -> None:
    page.set_content(SHELL.format("<p>Text</p>"))
    assert barriers(page) == []
    page.set_content(SHELL.format("<input id='nameless'>"))
    assert [found.partition(":")[0] for found in barriers(page)] == ["label (critical)"]

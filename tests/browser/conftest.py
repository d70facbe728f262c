"""
A real browser: Playwright for Python, with the Chromium of this machine.

Playwright runs an event loop in the thread of the tests, so ``asyncio.run`` fails there while a browser is open.
The browser is closed when the last test of this folder is done. A test in this folder that needs a loop takes a
thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1280, "height": 800}


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start Chromium once for this folder. It finds this machine only; without one, its tests are left out."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(PROGRAMS)} is on the PATH")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open a page without cookies, 1280 pixels wide and in light colours."""
    context = chromium.new_context(viewport=WIDE, color_scheme="light", locale="en-US", timezone_id="UTC")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page | Locator, str], Path]:
    """
    Give a function that photographs a page, or a part of it, for the documentation.

    ``make screenshots`` writes ``docs/images/<name>.png``; otherwise the picture goes into the test's folder.
    """
    folder = IMAGES if os.environ.get("ECI_SCREENSHOTS") else tmp_path

    def take(shown: Page | Locator, name: str) -> Path:
        path = folder / f"{name}.png"
        shown.screenshot(path=path, animations="disabled", caret="hide", scale="css")
        return path

    return take

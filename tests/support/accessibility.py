"""What axe finds in a page: https://github.com/dequelabs/axe-core, which comes with its Python package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def barriers(page: Page) -> list[str]:
    """Return what makes a page hard to use for some, such as "color-contrast (serious): .muted, td.count"."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{found['id']} ({found['impact']}): {', '.join(str(node['target'][0]) for node in found['nodes'])}"
        for found in Axe().run(page).response["violations"]
    ]

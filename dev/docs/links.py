"""
Find links that lead nowhere in built HTML pages.

A link inside the site must lead to a page, and to a place on it. No page may load anything from another host. A
link to another host is dead only if that host answers that the page is gone; no answer proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

#: What a browser loads by itself, by tag; of ``link`` only what has one of these relations.
_LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
_LOADED_RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "modulepreload"}
GONE = (404, 410)


@dataclass
class Page:
    """The links and the named places of one page."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.page.places.add(values["id"])
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        elif tag in _LOADED and (tag != "link" or _LOADED_RELATIONS & set(values.get("rel", "").split())):
            self.page.loaded += [values[name] for name in (_LOADED[tag],) if name in values]


def read_pages(site: Path) -> dict[Path, Page]:
    """
    Return the site's pages.

    :param site: the folder of the built pages.
    """
    pages = {}
    for path in sorted(site.rglob("*.html")):
        reader = _PageReader()
        reader.feed(path.read_text(encoding="utf-8"))
        pages[path.resolve()] = reader.page
    return pages


def is_external(link: str) -> bool:
    """
    Return whether a link leads to another host.

    :param link: the link, as the page has it.
    """
    parts = urlsplit(link)
    return parts.scheme in ("http", "https") or bool(parts.netloc)


def internal_problems(pages: dict[Path, Page]) -> Iterator[str]:
    """
    Return a line for each link inside the site that leads nowhere, and for all that is loaded from another host.

    :param pages: the site's pages.
    """
    for path, page in pages.items():
        for source in page.loaded:
            if is_external(source):
                yield f"{path.name}: loads {source} from another host"
            elif not source.startswith("data:") and not _file(path, source).is_file():
                yield f"{path.name}: loads {source}, which is missing"
        for link in page.links:
            if urlsplit(link).scheme or is_external(link):
                continue
            place = unquote(urldefrag(link).fragment)
            target = _file(path, link)
            if not target.is_file():
                yield f"{path.name}: {link} leads to no file"
            elif place and target in pages and place not in pages[target].places:
                yield f"{path.name}: {link} leads to no place on its page"


def _file(page: Path, link: str) -> Path:
    path = unquote(urlsplit(link).path)
    return (page.parent / path).resolve() if path else page


def external_links(pages: dict[Path, Page]) -> list[str]:
    """
    Return the links to other hosts, each once and without its fragment; the reader's own machine is none.

    :param pages: the site's pages.
    """
    links = {urldefrag(link).url for page in pages.values() for link in page.links if is_external(link)}
    return sorted(link for link in links if urlsplit(link).hostname not in ("127.0.0.1", "localhost"))


def external_problems(links: list[str], status: Callable[[str], int | None]) -> tuple[list[str], list[str]]:
    """
    Return the links whose host says that they are gone, and those about which nothing is known.

    :param links: links to other hosts.
    :param status: returns the HTTP status of a link; None if there was no answer.
    """
    with ThreadPoolExecutor(16) as threads:
        found = dict(zip(links, threads.map(status, links), strict=True))
    gone = [f"{link}: {code}" for link, code in found.items() if code in GONE]
    return gone, [link for link, code in found.items() if code is None]

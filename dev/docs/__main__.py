"""Check the links of the built documentation, or show it: ``python -m dev.docs build/docs/html --serve 8000``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from dev.docs.links import external_links, external_problems, internal_problems, read_pages


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m dev.docs", description=__doc__)
    parser.add_argument("site", type=Path, help="the folder of the built pages")
    parser.add_argument("--serve", type=int, metavar="PORT", help="show the pages at this port of 127.0.0.1")
    options = parser.parse_args()
    return check(options.site) if options.serve is None else serve(options.site, options.serve)


def check(site: Path) -> int:
    """
    Check the links of all pages.

    :param site: the folder of the built pages.
    """
    pages = read_pages(site)
    links = external_links(pages)
    gone, unanswered = external_problems(links, status)
    problems = [*internal_problems(pages), *gone]
    for problem in problems:
        print(problem, file=sys.stderr)
    for link in unanswered:
        print(f"not checked, no answer: {link}")
    print(f"{len(pages)} pages, {len(links)} links to other hosts, {len(problems)} links that lead nowhere")
    return 1 if problems or not pages else 0


def status(link: str) -> int | None:
    """
    Return the HTTP status of a link; None if there is no answer within seconds.

    :param link: the link.
    """
    try:
        with requests.get(link, timeout=5, stream=True) as answer:
            return answer.status_code
    except requests.RequestException:
        return None


def serve(site: Path, port: int) -> int:
    """
    Show the pages until Ctrl-C.

    :param site: the folder of the built pages.
    :param port: the port on 127.0.0.1.
    """
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(f"Port {port} cannot be used ({error.strerror}). Take another: PORT={port + 1}", file=sys.stderr)
        return 1
    with server:
        print(f"http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Check the links of the built documentation: ``python -m dev.docs build/docs/html``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import requests

from dev.docs.links import external_links, external_problems, internal_problems, read_pages


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m dev.docs", description=__doc__)
    parser.add_argument("site", type=Path, help="the folder of the built pages")
    pages = read_pages(parser.parse_args().site)
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


if __name__ == "__main__":
    sys.exit(main())

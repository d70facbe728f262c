"""Command line of the benchmarks: ``make bench``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dev.benchmarks.children import HOME
from dev.benchmarks.results import PAGE, machine, record
from dev.support.paths import ROOT

#: Sections in the order of the page; each is a module with ``measure(quick)``.
SECTIONS = ("imports", "get", "upload", "waits", "bills")
#: Further sections, which are programs with ``main(arguments)``; with the arguments of ``--quick``.
PROGRAMS: dict[str, list[str]] = {"bill_files": ["--quick"], "kickout_report": ["--rows", "20000"]}
WRITTEN = ROOT / "build" / "performance.md"


class _Copy(io.StringIO):
    """Output that is kept, and printed to standard error too."""

    def write(self, text: str) -> int:
        sys.stderr.write(text)
        return super().write(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run benchmarks.

    :return: exit code: 0 if everything could be measured, even if a target was missed; else 1.
    """
    options = _parser().parse_args(arguments)
    chosen = options.only.split(",") if options.only else [*SECTIONS, *PROGRAMS]
    HOME.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = {}
    failed = []
    for name in chosen:
        began = time.monotonic()
        print(f"==> {name}", flush=True)
        try:
            found[name] = _measure(name, quick=options.quick)
        except (Exception, SystemExit) as error:  # the other sections are measured all the same
            failed.append(name)
            print(f"cannot measure {name}: {error}", file=sys.stderr, flush=True)
            continue
        print(f"\n({time.monotonic() - began:.0f} s)\n", flush=True)
        if options.record:
            record(name, found[name])
    _write(found, options.out)
    if options.record:
        print(f"recorded in {PAGE.relative_to(ROOT)}: {', '.join(found)}")
    return 1 if failed else 0


def _measure(name: str, *, quick: bool) -> str:
    """Measure one section, and return it in Markdown."""
    module = importlib.import_module(f"dev.benchmarks.{name}")
    if name in SECTIONS:
        text = str(module.measure(quick=quick).markdown())
        print(text, flush=True)
        return text
    with contextlib.redirect_stdout(_Copy()) as printed:
        code = module.main(PROGRAMS[name] if quick else [])
    if code != 0:
        raise RuntimeError(f"the exit code is {code}")
    text = printed.getvalue().strip()
    text = text if "| --" in text else f"```text\n{text}\n```"
    return f"### {name.replace('_', ' ').capitalize()}\n\n{machine()}\n\n{text}"


def _write(found: dict[str, str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(found.values()) + "\n", encoding="utf-8")
    print(f"written to {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")


def _names(text: str) -> str:
    unknown = set(filter(None, text.split(","))) - {*SECTIONS, *PROGRAMS}
    if unknown:
        known = ", ".join([*SECTIONS, *PROGRAMS])
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; known: {known}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks", description="Measure what the provider costs beside similar providers."
    )
    parser.add_argument(
        "--only", type=_names, default="", help="sections to measure, separated by commas (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="use small sizes and few rounds, to see that it runs")
    parser.add_argument("--record", action="store_true", help="write the results into docs/performance.md")
    parser.add_argument("--out", type=Path, default=WRITTEN, help="file for the tables (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Measure, print, and keep what was found: ``make bench``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dev.benchmarks.children import HOME, ROOT
from dev.benchmarks.results import PAGE, machine, record

#: What is measured, in the page's order, each a module of this package.
SECTIONS = ("imports", "get", "upload", "waits", "bills")
#: The same, of those that run on their own: ``main(arguments) -> int`` prints. With what makes them quick.
PROGRAMS: dict[str, list[str]] = {"bill_files": ["--quick"], "kickout_report": ["--rows", "20000"]}
WRITTEN = ROOT / "build" / "performance.md"


class _Both(io.StringIO):
    """Keep what is printed, and show it too."""

    def write(self, text: str) -> int:
        sys.stderr.write(text)
        return super().write(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run what was asked for.

    :return: 0 when everything could be measured, whatever came out; 1 when something could not.
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
            found[name] = _measured(name, quick=options.quick)
        except (Exception, SystemExit) as error:  # the others are still worth having
            failed.append(name)
            print(f"{name} could not be measured: {error}", file=sys.stderr, flush=True)
            continue
        print(f"\n({time.monotonic() - began:.0f} s)\n", flush=True)
        if options.record:
            record(name, found[name])
    _write(found, options.out)
    if options.record:
        print(f"recorded in {PAGE.relative_to(ROOT)}: {', '.join(found)}")
    return 1 if failed else 0


def _measured(name: str, *, quick: bool) -> str:
    module = importlib.import_module(f"dev.benchmarks.{name}")
    if name in SECTIONS:
        text = str(module.measure(quick=quick).markdown())
        print(text, flush=True)
        return text
    with contextlib.redirect_stdout(_Both()) as printed:
        code = module.main(PROGRAMS[name] if quick else [])
    if code != 0:
        raise RuntimeError(f"it ended with {code}")
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
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {known}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks", description="Measure what the provider costs beside its peers."
    )
    parser.add_argument("--only", type=_names, default="", help="some of it, with commas between")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds, to see that it runs")
    parser.add_argument("--record", action="store_true", help="put what is found into docs/performance.md")
    parser.add_argument("--out", type=Path, default=WRITTEN, help="where the tables are written")
    return parser


if __name__ == "__main__":
    sys.exit(main())

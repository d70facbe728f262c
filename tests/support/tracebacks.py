"""Everything of an error that anybody might print, log or store."""

from __future__ import annotations

import json
import os
import pickle
import traceback

from eci_provider.api.errors import EciError


def chain(error: BaseException) -> list[BaseException]:
    """Return an error with all its causes and contexts."""
    found, queue = [], [error]
    while queue:
        link = queue.pop()
        if link not in found:
            found.append(link)
            queue += [other for other in (link.__cause__, link.__context__) if other is not None]
    return found


def locals_of(error: BaseException) -> list[str]:
    """Return what reporters that record the locals of a traceback see, those of the tests left out."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    tests = os.sep + "tests" + os.sep
    return [repr(frame.locals) for frame in stack if tests not in frame.filename]


def beneath(error: BaseException) -> str:
    """Return what reporters find that follow the causes of an error, and what stood around them."""
    parts = []
    for link in chain(error):
        parts += [str(link), repr(link), repr(link.args), repr(vars(link)), *locals_of(link)]
        request = getattr(link, "request", None)
        parts += [repr(request.headers)] if request is not None else []
    return "\n".join(parts)


def shown(error: BaseException) -> str:
    """Return all that anybody might print, log or store of an error."""
    trace = traceback.format_exception(type(error), error, error.__traceback__)
    parts = [str(error), repr(error), *trace, beneath(error)]
    if isinstance(error, EciError):
        parts += [pickle.dumps(error, 0).decode("latin-1"), json.dumps(error.details)]
    return "\n".join(parts)

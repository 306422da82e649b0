"""Let numba leave out what only Python's calls would need: a third of its time.

As it comes, numba makes each function ready for Python as soon as it is compiled: two wrappers
around it, machine code of them all, timers. Here some three hundred functions are compiled of which
Python calls none: the code of the entry points is read, and optimised and emitted once, as a whole.
What is changed here is numba's own business, so only in the versions that it was tried with; any
other compiles as it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numba

TRIED = "0.68."
"""How the versions of numba begin that this was tried with."""


@contextmanager
def never_called(entry: Any) -> Iterator[None]:
    """Make no function callable from Python that is compiled meanwhile; one thread at a time.

    Parameters
    ----------
    entry
        The one function that keeps its wrapper for C.
    """
    if not numba.__version__.startswith(TRIED):
        yield
        return
    from numba.core import event
    from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
    from numba.core.cpu import CPUContext

    wrapped: Any = CPUContext.create_cfunc_wrapper

    def wrap_entry(context: Any, library: Any, described: Any, *rest: Any) -> None:
        if described.qualname == entry.__qualname__:
            wrapped(context, library, described, *rest)

    def no_address(library: Any, _: str) -> int:
        library._ensure_finalized()
        return 0

    changes: list[tuple[Any, str, Any]] = [
        (CPUContext, "create_cpython_wrapper", _nothing),
        (CPUContext, "create_cfunc_wrapper", wrap_entry),
        (JITCodeLibrary, "get_pointer_to_function", no_address),
        (JITCodeLibrary, "_finalize_specific", _nothing),
        (JITCPUCodegen, "_add_module", _nothing),
        (JITCPUCodegen, "set_env", _nothing),
        (event, "install_timer", lambda *_: nullcontext()),
    ]
    before = [getattr(place, name) for place, name, _ in changes]
    try:
        for place, name, change in changes:
            setattr(place, name, change)
        yield
    finally:
        for (place, name, _), kept in zip(changes, before, strict=True):
            setattr(place, name, kept)


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""

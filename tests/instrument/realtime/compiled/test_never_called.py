"""What numba leaves out while the audio thread is compiled, and that it is itself again after."""

from __future__ import annotations

from typing import Any

import numba
import pytest
from numba.core.cpu import CPUContext

from instrument.realtime.compiled.never_called import never_called


def _double(x: float) -> float:
    return 2.0 * x


other: Any = numba.njit(_double)


def entry(x: float) -> Any:
    return other(x)


def test_only_the_entry_keeps_a_wrapper_for_c_and_none_has_one_for_python() -> None:
    with never_called(entry):
        code = numba.cfunc("float64(float64)")(entry).inspect_llvm()
    wrappers = [line for line in code.splitlines() if line.startswith("define") and "cfunc" in line]
    assert len(wrappers) == 1 and "entry" in wrappers[0]
    assert "cpython" not in code


@pytest.mark.parametrize(("version", "changes"), [(numba.__version__, True), ("0.99.0", False)])
def test_another_numba_compiles_as_it_comes(
    version: str, changes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = CPUContext.create_cpython_wrapper
    monkeypatch.setattr(numba, "__version__", version)
    with never_called(entry):
        assert (CPUContext.create_cpython_wrapper is not before) == changes


def test_numba_is_itself_again_whatever_happened() -> None:
    with pytest.raises(ValueError, match="no"), never_called(entry):
        raise ValueError("no")
    assert numba.njit(lambda x: 3.0 * x)(1.0) == pytest.approx(3.0)

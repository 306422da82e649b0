"""All entry points by their names, with what C sees of each."""

from __future__ import annotations

from typing import Any

from instrument.plugin.entry_points import audio, built_in, helper, panel, tones
from instrument.realtime import kernel
from instrument.realtime.kernel import STATE_POINTER
from instrument.realtime.native import types

_I, _U, _F = types.int64, types.uint64, types.float64
#: By name: the Python function and what C sees of it.
ENTRY_POINTS: dict[str, tuple[Any, Any, str]] = {
    "process_block": (
        kernel.process_block,
        kernel.SIGNATURE,
        "void (*)(void *, float *, float *, int64_t, int64_t)",
    ),
    "lk_midi": (
        audio.lk_midi,
        types.void(STATE_POINTER, _I, _I, _I, _I),
        "void (*)(void *, int64_t, int64_t, int64_t, int64_t)",
    ),
    "lk_value": (
        audio.lk_value,
        types.void(STATE_POINTER, _I, _I, _I),
        "void (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_express": (
        audio.lk_express,
        types.void(STATE_POINTER, _I, _I, _I, types.float64, types.float64),
        "void (*)(void *, int64_t, int64_t, int64_t, double, double)",
    ),
    "lk_align": (audio.lk_align, types.void(STATE_POINTER, _I), "void (*)(void *, int64_t)"),
    "lk_bank": (audio.lk_bank, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_sounding": (audio.lk_sounding, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_begin": (
        helper.lk_begin,
        types.void(STATE_POINTER, types.float64),
        "void (*)(void *, double)",
    ),
    "lk_use_now": (
        audio.lk_use_now,
        types.void(STATE_POINTER, _I, _I),
        "void (*)(void *, int64_t, int64_t)",
    ),
    "lk_command": (
        helper.lk_command,
        _I(STATE_POINTER, _I, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_press": (
        panel.lk_press,
        _I(STATE_POINTER, _I, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_look": (
        panel.lk_look,
        types.void(STATE_POINTER, _I, _I, types.CPointer(types.uint8), types.CPointer(_F)),
        "void (*)(void *, int64_t, int64_t, uint8_t *, double *)",
    ),
    "lk_forget": (helper.lk_forget, types.void(STATE_POINTER), "void (*)(void *)"),
    "lk_free_bank": (
        helper.lk_free_bank,
        _I(STATE_POINTER, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t)",
    ),
    "lk_clear_bank": (
        helper.lk_clear_bank,
        types.void(STATE_POINTER, _I),
        "void (*)(void *, int64_t)",
    ),
    "lk_take_slots": (
        helper.lk_take_slots,
        _I(STATE_POINTER, _I, _U, _I, helper.SLOTS_POINTER),
        "int64_t (*)(void *, int64_t, uint64_t, int64_t, const void *)",
    ),
    "lk_lacks": (tones.lk_lacks, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_lacks_key": (
        tones.lk_lacks_key,
        _I(STATE_POINTER, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t)",
    ),
    "lk_wanted": (helper.lk_wanted, _I(STATE_POINTER, _I), "int64_t (*)(void *, int64_t)"),
    "lk_program": (helper.lk_program, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_tone_stride": (built_in.lk_tone_stride, _I(types.float64), "int64_t (*)(double)"),
    "lk_tone": (
        built_in.lk_tone,
        types.void(STATE_POINTER, _U, _I),
        "void (*)(void *, uint64_t, int64_t)",
    ),
}
#: Those that each processor has its own code of; of the others one does for all, the oldest's.
FAST = ("process_block", "lk_tone")


def name_in_file(name: str, suffix: str) -> str:
    """Return what an entry point is called where several processors' code is in one file."""
    return name + (suffix if name in FAST else "_all")

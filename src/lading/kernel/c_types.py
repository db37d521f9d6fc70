"""The C types and the way to call C that `syscall` needs, from the core of `ctypes`.

The package `ctypes` itself makes a hundred types at its import and is 2 ms of every start of a
command. What is here is the same by the same names, and mixes with what others make with `ctypes`.
"""

from __future__ import annotations

import _ctypes

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from ctypes import (
        PyDLL,
        Structure,
        addressof,
        byref,
        c_char_p,
        c_int,
        c_long,
        c_size_t,
        c_uint,
        c_ulong,
        c_ushort,
        c_void_p,
        get_errno,
    )
else:
    from _ctypes import Structure, _SimpleCData, addressof, byref, get_errno

    class c_ushort(_SimpleCData):  # C's names
        _type_ = "H"

    class c_int(_SimpleCData):
        _type_ = "i"

    class c_uint(_SimpleCData):
        _type_ = "I"

    class c_long(_SimpleCData):
        _type_ = "l"

    class c_ulong(_SimpleCData):
        _type_ = "L"

    c_size_t = c_ulong  # on every machine that Linux 5.10 and later has 64 bits on

    class c_char_p(_SimpleCData):
        _type_ = "z"

    class c_void_p(_SimpleCData):
        _type_ = "P"

    class _Function(_ctypes.CFuncPtr):
        """Keeps the interpreter's lock during a call, and errno for `get_errno` after it."""

        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_PYTHONAPI | _ctypes.FUNCFLAG_USE_ERRNO
        _restype_ = c_int

    class PyDLL:
        """Of `ctypes.PyDLL(None, use_errno=True)` what is used: a new function at each index."""

        def __init__(self, name: None, *, use_errno: bool) -> None:
            assert use_errno
            self._handle = _ctypes.dlopen(name, 0)

        def __getitem__(self, name: str) -> _Function:
            return _Function((name, self))


__all__ = [
    "PyDLL",
    "Structure",
    "addressof",
    "byref",
    "c_char_p",
    "c_int",
    "c_long",
    "c_size_t",
    "c_uint",
    "c_ulong",
    "c_ushort",
    "c_void_p",
    "get_errno",
]

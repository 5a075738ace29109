"""pyvips made ready for files of strangers: its readers, texts that are not UTF-8, warnings that GLib would print.

libvips marks readers that are not meant for files of strangers as untrusted: those that draw (SVG, PDF), that run other
libraries (ImageMagick, OpenSlide), and those of tables, raw bytes and its own format. They are blocked in this process,
also for a program that uses pyvips beside this package; it can call ``pyvips.operation_block_set`` afterwards.

libvips passes bytes of a file on in the names of fields, in their values and in errors. The keyword of a PNG's text,
which is in Latin-1 (PNG 11.3.3), becomes part of a field's name; an error names the part of a file that it is about.
pyvips expects UTF-8, so any of its calls could raise a UnicodeDecodeError. Here bytes that are not UTF-8 are kept, as
Python keeps those of file names (``surrogateescape``).
"""

from __future__ import annotations

import atexit
import ctypes
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pyvips
import pyvips.base
import pyvips.error
import pyvips.gvalue
import pyvips.vconnection
import pyvips.vimage
import pyvips.vobject
import pyvips.voperation

from subpixel.errors import Unsupported

__all__ = ["note_use", "prepare_pyvips"]


class _Fork:
    """Whether this process used libvips, and whether it is a fork of one that did."""

    used = forked = False


# Untrusted readers that are used all the same, by the names of their classes, each with its reason. There are none.
_KEPT: tuple[str, ...] = ()

_MODULES: tuple[ModuleType, ...] = (
    pyvips, pyvips.base, pyvips.error, pyvips.gvalue, pyvips.vconnection, pyvips.vimage, pyvips.vobject,
    pyvips.voperation,
)  # fmt: skip
# A width that no image can have, from a damaged header, is a warning of this part of GLib before it is an error.
_DOMAIN = b"GLib-GObject"


def prepare_pyvips() -> None:
    """Block untrusted readers, keep bytes that are not UTF-8, send what GLib would print to the logger ``pyvips``."""
    pyvips.block_untrusted_set(True)
    for kept in _KEPT:
        pyvips.operation_block_set(kept, False)
    for module in _MODULES:
        for name, function in (("_to_string", _decoded), ("_to_bytes", _encoded)):
            if hasattr(module, name):  # not every module uses both
                setattr(module, name, function)
    levels = pyvips.GLogLevelFlags.LEVEL_WARNING | pyvips.GLogLevelFlags.LEVEL_CRITICAL
    pyvips.glib_lib.g_log_set_handler(_DOMAIN, levels, pyvips._log_handler_cb, pyvips.ffi.NULL)
    # Python's function must not be called once Python has ended. An image that is freed only then would have GLib print
    # the warnings about it, so a function of C that does nothing stands before that one.
    nothing = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value
    silent = pyvips.ffi.cast("GLogFunc", nothing)
    for domain in (_DOMAIN, b"VIPS"):
        atexit.register(pyvips.glib_lib.g_log_set_handler, domain, levels, silent, pyvips.ffi.NULL)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_note_fork)


def note_use() -> None:
    """Note that libvips is used from now on; called before an image is opened or written.

    Raises:
        Unsupported: this process was forked from one that had used it. Its threads are missing here, and libvips would
            wait for them for ever.
    """
    if _Fork.forked:
        raise Unsupported(
            "this process was forked after its parent had used libvips, whose threads are missing here; start "
            "processes by multiprocessing.get_context('spawn')"
        )
    _Fork.used = True


def _note_fork() -> None:
    _Fork.forked = _Fork.used


def _decoded(pointer: Any) -> Any:
    if pointer == pyvips.ffi.NULL:
        return "NULL"
    content = pyvips.ffi.string(pointer)
    return content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else content


def _encoded(text: Any) -> Any:
    return str(text).encode("utf-8", "surrogateescape") if isinstance(text, (str, Path)) else text

"""Which errors mean that memory ran out, and what a limit leaves."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from subpixel.errors import ImageWriteError, OutOfMemory
from subpixel.storage import memory
from subpixel.storage.memory import is_memory_error, memory_errors, memory_left, require_memory

# What libraries say, as met under limits of 20 to 1500 MB.
CLEAR = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("VipsOperation: out of memory -- size == 38MB"),
    RuntimeError("vips_g_thread_new: Error creating thread: Resource temporarily unavailable"),
    RuntimeError("failed to allocate 18000000 bytes"),
    ImportError("libx.so: failed to map segment from shared object"),
    ImportError("libx.so: cannot allocate memory in static TLS block"),
]
VAGUE = [
    RuntimeError("unable to write to target out.png"),
    RuntimeError("Generic error in an external library"),
    RuntimeError("Unknown error -1"),
    RuntimeError("can't start new thread"),
    ImportError("libvips.so.42: cannot open shared object file: No such file or directory"),
]
OTHERS = [
    RuntimeError("premature end of JPEG file"),
    OSError(errno.ENOSPC, "No space left on device"),
    RuntimeError("out of memory.png: not a known file format"),
    RuntimeError("malloc.jpg: bad seek"),
]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how much a limit leaves."""

    def leave(count: int) -> None:
        monkeypatch.setattr(memory, "_left", lambda *_: count)
        monkeypatch.setattr(memory, "_limits", lambda: (count, -1))
        monkeypatch.setattr(memory, "_most_left", {})

    return leave


@pytest.mark.parametrize("error", CLEAR, ids=str)
def test_errors_that_mean_memory(error: Exception) -> None:
    assert is_memory_error(error)
    with pytest.raises(OutOfMemory, match=r"^a\.png: not enough memory; threads=1 needs less$"), memory_errors("a.png"):
        raise error


@pytest.mark.parametrize("error", VAGUE, ids=str)
def test_errors_without_a_reason_mean_memory_where_little_is_left(
    error: Exception, limit: Callable[[int], None]
) -> None:
    assert not is_memory_error(error)
    limit(10 << 20)
    assert is_memory_error(error)
    limit(10 << 30)
    assert not is_memory_error(error)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_errors_stay(error: Exception, limit: Callable[[int], None]) -> None:
    limit(10 << 20)
    assert not is_memory_error(error)
    with pytest.raises(type(error)) as caught, memory_errors("a.png"):
        raise error
    assert caught.value is error


def test_our_own_error_is_judged_by_what_led_to_it() -> None:
    def work(reason: str) -> None:
        try:
            raise RuntimeError(reason)
        except RuntimeError:
            raise ImageWriteError("out of memory: cannot be written") from None

    for reason, expected in (("std::bad_alloc", OutOfMemory), ("no such thing", ImageWriteError)):
        with pytest.raises(expected), memory_errors("a.png"):
            work(reason)


def test_a_limit_is_checked_before_the_work(limit: Callable[[int], None]) -> None:
    limit(50_000_000)
    require_memory(40_000_000, "a.png")
    text = (
        "a.png: not enough memory: about 60 MB are needed, and the limit of this process (ulimit -v) leaves 50 MB; "
        "threads=1 needs less"
    )
    with pytest.raises(OutOfMemory) as caught:
        require_memory(60_000_000, "a.png")
    assert str(caught.value) == text


def test_what_earlier_work_of_a_kind_took_is_free_again(limit: Callable[[int], None]) -> None:
    limit(50_000_000)
    require_memory(40_000_000, "a.png", kind="image")
    memory._left = lambda *_: 20_000_000  # type: ignore[assignment]
    require_memory(40_000_000, "b.png", kind="image")
    with pytest.raises(OutOfMemory):
        require_memory(40_000_000, "b.mkv", kind="video")


def test_without_a_limit_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_limits", lambda: (-1, -1))
    assert memory_left() is None
    require_memory(1 << 60, "a.png")

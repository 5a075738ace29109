"""The database: transactions, numbers of events, what is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.serve.store import Job, Store


def job(number: int, **values: object) -> Job:
    source = {"name": "a.png", "file": "source.png", "bytes": 1, "digest": "d"}
    made = Job(f"{number:032x}", "image", "me", f"content {number}", {"scale": 3.0}, source, created=float(number))
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite3"


def test_a_job_is_read_as_it_was_written(path: Path) -> None:
    store = Store(path)
    written = job(1, state="done", result={"file": "x", "bytes": 5}, notes=["é"], seconds={"read": 0.5}, cached=True)
    store.save(written, ("key", "request"))
    store.close()
    again = Store(path)
    assert again.get(written.id) == written
    assert again.by_key("me", "key") == ("request", written.id)
    assert again.by_key("you", "key") is None
    assert again.made("content 1") == written
    assert again.made("content 2") is None
    again.close()


def test_numbers_of_events_grow_over_restarts_even_if_the_clock_goes_back(path: Path) -> None:
    store = Store(path)
    number = store.next_seq() + 10**12  # as if the clock had been in the future
    store.save(job(1, seq=number))
    store.close()
    again = Store(path)
    assert again.next_seq() > number
    again.close()


def test_pages_are_in_order_and_complete(path: Path) -> None:
    store = Store(path)
    for number in range(7):
        store.save(job(number))
    first = store.page("me", 3, None)
    second = store.page("me", 3, first[-1].created)
    assert [int(each.id, 16) for each in (*first, *second)] == [6, 5, 4, 3, 2, 1]
    assert store.page("you", 3, None) == []
    store.close()


def test_what_was_deleted_is_known_for_a_while(path: Path) -> None:
    store = Store(path)
    one = job(1, state="done", looked=5.0)
    store.save(one, ("key", "request"))
    assert [each.id for each in store.expired(6.0)] == [one.id]
    seq = store.delete(one)
    assert store.get(one.id) is None
    assert store.was_deleted(one.id)
    assert store.by_key("me", "key") is None
    assert store.changed_after(seq - 1, "me", None) == ([], [(seq, one.id)])
    assert store.changed_after(seq, "me", None) == ([], [])
    store.forget_deleted(10**12)
    assert not store.was_deleted(one.id)
    store.close()


def test_a_newer_database_is_refused(path: Path) -> None:
    store = Store(path)
    store._db.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(OSError, match="newer version"):
        Store(path)

"""The database: transactions, numbers of events, what is found again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from subpixel.serve.jobs.store import Job, Store


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
    store.save(written, "{}", ("key", "request"))
    store.close()
    again = Store(path)
    assert again.get(written.id) == written
    assert again.by_key("me", "key") == ("request", written.id)
    assert again.by_key("you", "key") is None
    assert again.made("content 1") == written
    assert again.made("content 2") is None
    again.close()


def test_numbers_of_events_grow_over_restarts_even_if_the_clock_goes_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 4e9)  # as if the clock were in the future
    store = Store(path)
    one = job(1)
    store.save(one, "{}")
    store.close()
    monkeypatch.undo()
    again = Store(path)
    two = job(2)
    again.save(two, "{}")
    assert two.seq > one.seq >= 4e12
    again.close()


def test_an_event_is_written_with_its_change_or_not_at_all(path: Path) -> None:
    store = Store(path)
    one = job(1)
    store.save(one, "first")
    store._db.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    with pytest.raises(sqlite3.Error, match="disk is full"):
        store.save(job(1, state="done"), "second")
    found = store.get(one.id)
    assert found is not None
    assert (found.state, found.seq) == ("queued", one.seq)
    assert [each.document for each in store.events_after(0, None, None, 9)] == ["first"]
    store.close()


def test_events_come_in_order_and_only_steps_are_forgotten(path: Path) -> None:
    store = Store(path)
    one, other = job(1), job(2, client="you")
    store.save(one, "queued")
    store.save(other, "other")
    for number in range(250):
        store.step(one, f"step {number}")
    store.save(one, "done")
    found = store.events_after(0, "me", None, 1000)
    steps = [f"step {number}" for number in range(150, 250)]
    assert [each.document for each in found] == ["queued", *steps, "done"]
    assert [each.seq for each in found] == sorted(each.seq for each in found)
    assert store.events_after(found[4].seq, None, one.id, 2) == found[5:7]
    assert [each.document for each in store.last_events(None, None)] == ["other", "done"]
    store.close()


def test_pages_are_in_order_and_complete(path: Path) -> None:
    store = Store(path)
    for number in range(7):
        store.save(job(number), "{}")
    first = store.page("me", 3, None)
    second = store.page("me", 3, first[-1].created)
    assert [int(each.id, 16) for each in (*first, *second)] == [6, 5, 4, 3, 2, 1]
    assert store.page("you", 3, None) == []
    store.close()


def test_what_was_deleted_is_known_for_a_while(path: Path) -> None:
    store = Store(path)
    one = job(1, state="done", looked=5.0)
    store.save(one, '{"id": 1}', ("key", "request"))
    assert [each.id for each in store.expired(6.0)] == [one.id]
    store.delete(one)
    assert store.get(one.id) is None
    assert store.was_deleted(one.id)
    assert store.by_key("me", "key") is None
    (event,) = store.events_after(0, "me", None, 9)
    assert (event.job, event.kind, event.seq) == (one.id, "deleted", store.last_seq)
    assert store.last_events(None, None) == []
    store.forget_deleted(10**12)
    assert not store.was_deleted(one.id)
    assert store.events_after(0, None, None, 9) == []
    store.close()


def test_a_newer_database_is_refused(path: Path) -> None:
    store = Store(path)
    store._db.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(OSError, match="newer version"):
        Store(path)

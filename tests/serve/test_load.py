"""Many clients at once: each gets the bytes of its own image, or is told to come again; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from serve.conftest import client_of, wait_for_worker
from subpixel.bench import serve as suite
from subpixel.bench.load import Case, run_load
from subpixel.serve.server import Running

CLIENTS = 50


@pytest.fixture(scope="module")
def cases() -> Iterator[list[list[Case]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "_KINDS", ((12, 16, ".png", "scale=2"), (40, 30, ".jpg", "scale=3")))
        yield suite.make_cases(CLIENTS)


def address_of(running: Running) -> tuple[str, int]:
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    return host, int(port)


@pytest.mark.parametrize(("workers", "queue"), [(2, 256), (1, 5)])
def test_each_of_many_clients_gets_its_own_image(serve: Any, cases: list[list[Case]], workers: int, queue: int) -> None:
    running = serve(workers=workers, queue=queue, idle=20.0)
    wait_for_worker(running)
    load = run_load(address_of(running), cases, 2)
    assert not load.faults
    assert load.right >= CLIENTS
    assert (load.refused > 0) == (queue < CLIENTS)
    assert load.times
    assert load.jobs
    # Clients delete what they have seen: no job and no file is left.
    with client_of(running) as client:
        assert client.get("/v1/jobs").json()["jobs"] == []
    for folder in ("jobs", "incoming"):
        assert not list((running.service.settings.data / folder).iterdir())


def test_answers_that_are_wrong_are_noticed(running: Running, cases: list[list[Case]]) -> None:
    first, second = (replace(case, name="x") for case in cases[0])
    mixed_up = replace(first, content=second.content)
    no_image = replace(first, content=b"no image")
    load = run_load(address_of(running), [[mixed_up], [mixed_up], [no_image]], 0)
    assert load.right == 0
    assert {text.split(":")[1][:24] for text in load.faults} == {
        " the job of another requ",
        " the answer to another r",
        " status 415",
    }

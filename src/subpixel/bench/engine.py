"""The suite ``engine``: networks on planes, other libraries, and the ceilings of the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from subpixel.bench import ceilings
from subpixel.bench.memory import extra_memory
from subpixel.bench.networks import Network, espcn_x3, network_call, session, synthetic_image, thin_x2
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.peers import PEERS
from subpixel.bench.results import Entry, Fact, Group
from subpixel.bench.timing import time_alternately

__all__ = ["engine"]

# Multiply-adds and bytes for the measurement of ceilings: some hundredths of a second.
_WORK = 1e9

# Megapixels of the input, as height and width.
_SIZES = {0.1: (250, 400), 1: (800, 1250), 10: (2500, 4000), 100: (8000, 12500)}


def engine(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite."""
    yield machine(options)
    for number, network in enumerate((espcn_x3(), thin_x2())):
        yield peer_comparison(options, network, f"peers-{number}")
        yield target_comparison(options, network, f"targets-{number}")
    yield linearity(options)
    yield memory(options)


def machine(options: BenchOptions) -> Group:
    """The machine's ceilings as rates: multiply-adds of each target and precision, and bytes copied."""
    facts = []
    for threads in sorted({1, options.threads}):
        work = {
            f"{precision}, {target}": ceilings.arithmetic(precision, target, threads, _WORK)
            for precision, target in ceilings.variants()
        }
        times = time_alternately(
            work | {"copy": ceilings.memory_copy(int(_WORK), threads)}, options.rounds, options.seconds
        )
        for name, time in times.items():
            unit = "GB/s copied" if name == "copy" else "GMAC/s"
            facts.append(Fact(f"{name}, {_threads(threads)}", _WORK / time.median / 1e6, unit))
    return Group("ceilings", "Ceilings of this machine", facts=tuple(facts))


def peer_comparison(options: BenchOptions, network: Network, name: str) -> Group:
    """Our engine on its best target, the installed peers, and the arithmetic ceilings."""
    best = ceilings.targets()[-1]
    calls: dict[str, Callable[[], Any]] = {}
    entries: list[tuple[str, str, str | None]] = []
    for precision in ("int8", "bf16", "f32"):
        if precision == "bf16" and (precision, best) not in ceilings.variants():
            continue
        ceiling = f"ceiling {precision}, {best}"
        calls[f"subpixel {precision}"] = network_call(network, precision, options.threads)
        calls[ceiling] = ceilings.arithmetic(precision, best, options.threads, network.macs)
        entries += [(f"subpixel {precision}", "ours", ceiling), (ceiling, "ceiling", None)]
    notes = []
    plane = synthetic_image(network.size)[None].astype(np.float32) / np.float32(255)
    for peer in PEERS:
        reason = peer.missing()
        if reason:
            notes.append(f"{peer.name}: not measured, {reason}")
            continue
        prepared = peer.prepare(network.spec, network.weights, options.threads, network.size)
        calls[peer.name] = lambda prepared=prepared: prepared(plane)  # type: ignore[misc]
        entries.append((peer.name, "peer", None if peer.bf16 else f"ceiling f32, {best}"))
    return measure_group(options, name, network.title, calls, entries, notes=notes)


def target_comparison(options: BenchOptions, network: Network, name: str) -> Group:
    """Our engine on every target of this machine, with the ceiling of each."""
    result: list[Entry] = []
    for precision, target in ceilings.variants():
        ours, ceiling = f"{precision}, {target}", f"ceiling {precision}, {target}"
        calls: dict[str, Callable[[], Any]] = {
            ours: network_call(network, precision, options.threads, target),
            ceiling: ceilings.arithmetic(precision, target, options.threads, network.macs),
        }
        group = measure_group(options, name, "", calls, [(ours, "ours", ceiling), (ceiling, "ceiling", None)])
        result += group.entries
    return Group(name, f"{network.title}: targets and their ceilings", tuple(result))


def linearity(options: BenchOptions) -> Group:
    """Time per pixel of ESPCN ×3 int8, from small to large images, on one thread and on all."""
    network = espcn_x3()
    result: list[Entry] = []
    for megapixels, size in _SIZES.items():
        if megapixels > 10 and not options.full:
            continue
        x = synthetic_image(size)[None]
        calls: dict[str, Callable[[], Any]] = {}
        for threads in sorted({1, options.threads}):
            ready = session(network, "int8", threads)
            calls[f"{megapixels:g} Mpx, {_threads(threads)}"] = lambda ready=ready, x=x: ready(x)  # type: ignore[misc]
        group = measure_group(
            options, "", "", calls, [(name, "ours", None) for name in calls], pixels=size[0] * size[1]
        )
        result += group.entries
    return Group("linearity", "ESPCN ×3 int8, luma bytes: time by size of the input", tuple(result))


def memory(options: BenchOptions) -> Group:
    """Peak memory beyond input and result, of the network alone and of an ``Upscaler`` on RGB."""
    facts = []
    for megapixels in (1, 10, 100) if options.full else (1, 10):
        for kind, text in (("plane", "ESPCN ×3 int8, luma bytes"), ("rgb", 'Upscaler(3, model="espcn"), RGB bytes')):
            amount = extra_memory(kind, _SIZES[megapixels], options.threads)
            if amount is not None:
                facts.append(Fact(f"{text}, {megapixels} Mpx", amount, "MiB"))
    notes = () if facts else ("not measured: this system does not report a process's peak memory",)
    return Group("memory", "Peak memory beyond input and result", facts=tuple(facts), notes=notes)


def _threads(count: int) -> str:
    return f"{count} thread{'s'[: count > 1]}"

"""Documents and reports, from figures that are fixed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import docs_script
from subpixel.bench.report import markdown, plot, text
from subpixel.bench.results import Entry, Fact, Group, Results
from subpixel.bench.timing import Timing
from subpixel.errors import InvalidArgument

MACHINE = {
    "architecture": "x86_64",
    "features": ["avx2", "avx512_vnni"],
    "processors": 2,
    "caches": {"L1": "32K", "L2": "1024K"},
    "memory_gib": 23.5,
    "threads": 2,
    "load_before": 0.04,
    "versions": {"subpixel": "0.1.0", "torch": "2.13.0"},
}


def time(median: float) -> Timing:
    return Timing(median, median * 0.9, median * 1.2, 15)


PEERS = Group(
    "peers-0",
    "A network",
    (
        Entry("subpixel int8", "ours", time(20), "ceiling"),
        Entry("ceiling", "ceiling", time(15)),
        Entry("peer f32", "peer", time(1250)),
        Entry("small", "ours", time(4), pixels=100_000),
    ),
    (Fact("memory", 0.4567, "MiB"),),
    ("another peer: not measured, it is not installed",),
)
CASES = tuple(
    Group(
        "ops/shuffle",
        f"case {n}",
        (
            Entry("subpixel", "ours", time(n), "copy"),
            Entry("copy", "ceiling", time(n / 2)),
            Entry("torch", "peer", time(3 * n)),
        ),
    )
    for n in (1, 2)
)
RESULTS = Results("engine", "subpixel bench", MACHINE, (PEERS, *CASES))


def test_ratios_follow_from_the_medians() -> None:
    ours, ceiling, peer, small = PEERS.entries
    assert PEERS.of_ceiling(ours) == 0.75
    assert PEERS.of_ceiling(ceiling) is PEERS.of_ceiling(small) is None
    assert PEERS.times_ours(peer) == 62.5
    assert PEERS.times_ours(ours) is PEERS.times_ours(ceiling) is None


def test_a_document_comes_back_as_it_was() -> None:
    document = json.loads(json.dumps(RESULTS.document()))
    assert document["groups"][0]["entries"][0]["of_ceiling"] == 0.75
    assert document["groups"][0]["entries"][2]["times_ours"] == 62.5
    assert Results.of(document) == RESULTS


@pytest.mark.parametrize("change", [{"version": 2}, {"version": None}, {"groups": [{}]}, {"groups": 3}])
def test_another_kind_of_document_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="results"):
        Results.of({**RESULTS.document(), **change})


def test_text_for_a_terminal() -> None:
    expected = """\
A network
                                 ms   quartiles  of its ceiling  takes × ours
  subpixel int8                20.0   18.0–24.0            0.75
  ceiling                      15.0   13.5–18.0
  peer f32                     1250   1125–1500                         62.50
  small (40.0 ns a pixel)      4.00   3.60–4.80
  memory: 0.46 MiB
  another peer: not measured, it is not installed"""
    assert text([PEERS]).split() == expected.split()
    assert len({len(line.split("  ")[0]) for line in text([PEERS]).splitlines()[1:6]}) == 1  # one indentation


def test_text_names_the_operator() -> None:
    assert text(CASES).splitlines()[0] == "shuffle case 1"


def test_markdown() -> None:
    page = markdown([RESULTS])
    assert page.startswith("## Suite `engine`, 2 threads\n\n- Machine: x86_64; avx2, avx512_vnni; 2 processors; L1 32K")
    assert "\n- Load average before the run: 0.04.\n- Versions: subpixel 0.1.0, torch 2.13.0.\n" in page
    assert "| subpixel int8 | 20.0 | 18.0–24.0 | 0.75 |  |\n" in page
    assert "| peer f32 | 1250 | 1125–1500 |  | 62.50 |\n" in page
    assert "| memory | 0.46 MiB |\n" in page
    # the cases of one operator are lines of one table
    assert (
        "### shuffle\n\n| ms | subpixel | copy | torch | of its ceiling |\n| --- | ---: | ---: | ---: | ---: |\n"
        "| case 1 | 1.00 | 0.50 | 3.00 (3.00×) | 0.50 |\n| case 2 | 2.00 | 1.00 | 6.00 (3.00×) | 0.50 |\n"
    ) in page
    for line in page.splitlines():
        assert line.count("|") in (0, 3, 6)


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (0.4, "Load average before the run: 0.4.\n"),
        (1.9, "Load average before the run: 1.9, from other work or from the suite that ran before.\n"),
        (5.51, "Load average before the run: 5.51. Other work ran on the machine at that time, so small"),
    ],
)
def test_markdown_says_how_busy_the_machine_was(load: float, text: str) -> None:
    machine = {**MACHINE, "load_before": load, "target": "avx2", "processor": "A processor"}
    page = markdown([Results("ops", "subpixel bench", machine, CASES)])
    assert page.startswith("## Suite `ops`, 2 threads, target `avx2`\n\n- Machine: A processor; x86_64; ")
    assert text in page
    assert max(len(line) for line in page.splitlines()) <= 120


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    targets = Group("targets-0", "Targets", PEERS.entries[:2])
    plot(Results("engine", "subpixel bench", MACHINE, (PEERS, targets)), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_is_made_of_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    page = docs_script("make_performance")
    monkeypatch.setattr(page, "DOCS", tmp_path)
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    results = Path("results.json")
    results.write_text(json.dumps(RESULTS.document()), encoding="utf-8")
    page.main([str(results)])
    result = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert f"\nsubpixel bench --out {results}\npython docs/make_performance.py {results}\n```\n" in result
    assert markdown([RESULTS]) in result
    assert (tmp_path / "images" / "performance.png").is_file()

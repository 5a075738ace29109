"""A transport stream whose streams become other kinds: what its tables say, and what a job does about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subpixel.errors import Unsupported
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, upscale_file
from subpixel.video.transport_streams import stream_changes
from video.clips import make_clip, sound
from video.clocks import join

PACKET = 188


@pytest.fixture(scope="module")
def bicubic() -> Upscaler:
    return Upscaler(2, model="bicubic", threads=1)


def _with_packets(write: Callable[[], None]) -> Callable[[Any], None]:
    return lambda _: write()


def stream(path: Path, codec: str, sound_codec: str | None = None) -> Path:
    options = {"preset": "ultrafast"} if codec == "libx264" else {}

    adds = None if sound_codec is None else lambda out: _with_packets(sound(out, sound_codec))
    return make_clip(path, codec=codec, options=options, format_name="mpegts", others=adds)


@pytest.mark.parametrize(
    ("first", "second", "says", "then"),
    [
        (("libx264",), ("mpeg2video",), "video stream 0 is H.264, and from byte", "on MPEG-2 video; cut"),
        (("mpeg2video",), ("libx264",), "video stream 0 is MPEG-2 video, and from byte", "on H.264; cut"),
        (("libx264", "mp2"), ("libx264", "aac"), "audio stream 1 is MPEG audio, and from byte", "on AAC; cut"),
    ],
)
def test_another_kind_of_stream_is_refused_before_the_work(
    tmp_path: Path, bicubic: Upscaler, first: tuple[str, ...], second: tuple[str, ...], says: str, then: str
) -> None:
    before, after = stream(tmp_path / "a.ts", *first), stream(tmp_path / "b.ts", *second)
    path = join(tmp_path / "joined.ts", before, after)
    with pytest.raises(Unsupported) as error:
        Job(path, bicubic, tmp_path / "out.mkv", settings=Settings("ffv1")).run()
    assert says in str(error.value)
    assert then in str(error.value)
    assert not (tmp_path / "out.mkv").exists()
    found = re.search(r"from byte ([\d,]+) on .*; cut the file there$", str(error.value))
    assert found is not None
    place = int(found[1].replace(",", ""))
    assert before.stat().st_size <= place < before.stat().st_size + 10 * PACKET
    # The advice: each part is a video of its own.
    content = path.read_bytes()
    for k, part in enumerate((content[:place], content[place:])):
        (tmp_path / f"{k}.ts").write_bytes(part)
        result = upscale_file(tmp_path / f"{k}.ts", tmp_path / f"{k}.mkv", model="bicubic", encoder="ffv1")
        assert result.frames == 12


@pytest.mark.parametrize("codecs", [("libx264", "libx264"), ("mpeg2video", "mpeg1video")])
def test_kinds_that_one_decoder_decodes_go_on(tmp_path: Path, bicubic: Upscaler, codecs: tuple[str, str]) -> None:
    parts = [stream(tmp_path / f"{codec}{k}.ts", codec) for k, codec in enumerate(codecs)]
    path = join(tmp_path / "joined.ts", *parts)
    assert list(stream_changes(path)) == []
    assert Job(path, bicubic, settings=Settings("ffv1")).run().frames == 24


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (4, 0), (0, 16)])
def test_packets_of_every_length(tmp_path: Path, before: int, behind: int) -> None:
    path = join(
        tmp_path / "joined.ts", stream(tmp_path / "a.ts", "libx264"), stream(tmp_path / "b.ts", "mpeg2video", "mp2")
    )
    content = path.read_bytes()
    parts = [content[k : k + PACKET] for k in range(0, len(content), PACKET)]
    path.write_bytes(b"".join(bytes(before) + part + bytes(behind) for part in parts))
    change, late = stream_changes(path)
    assert (change.number, change.before, change.after) == (256, "H.264", "MPEG-2 video")
    assert (late.number, late.before, late.after) == (257, "", "MPEG audio")
    assert change.place % (PACKET + before + behind) == before


def test_a_stream_that_begins_later_is_noted(tmp_path: Path, bicubic: Upscaler) -> None:
    """libavformat looks at the first seconds and at the end of the file, and there it has one stream."""
    first = make_clip(tmp_path / "a.ts", codec="mpeg2video", times=range(500), format_name="mpegts")
    second = stream(tmp_path / "b.ts", "mpeg2video", "mp2")
    (tmp_path / "empty.ts").write_bytes((b"G\x1f\xff\x10" + bytes(PACKET - 4)) * 40_000)
    path = join(tmp_path / "joined.ts", first, second, tmp_path / "empty.ts", stream(tmp_path / "c.ts", "mpeg2video"))
    (note,) = [note for note in Job(path, bicubic, settings=Settings("ffv1")).run().notes if "begins at byte" in note]
    found = re.fullmatch(r"a stream of MPEG audio begins at byte ([\d,]+) of the file; it is not kept", note)
    assert found is not None
    place = first.stat().st_size
    assert place <= int(found[1].replace(",", "")) < place + 10 * PACKET
    whole = Job(second, bicubic, settings=Settings("ffv1")).run()
    assert not [note for note in whole.notes if "begins at byte" in note]


@pytest.mark.parametrize("content", [b"", b"G", b"G" * 5000, bytes(3_000_000), b"G\x40\0\x10" * 900])
def test_what_is_no_transport_stream_has_no_changes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ts").write_bytes(content)
    assert list(stream_changes(tmp_path / "a.ts")) == []

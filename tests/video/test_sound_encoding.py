"""Sounds that are encoded anew: what is heard, and when, is compared with the source by decoding both."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.video import upscale_file
from subpixel.video.containers import CONTAINERS, container_of
from subpixel.video.muxing import mux_video
from subpixel.video.sound_settings import SOUND_ENCODERS, parse_audio
from subpixel.video.stream_selection import select_streams
from subpixel.video.stream_trials import holds_sound
from subpixel.video.verification import find_differences
from subpixel.video.video_file import open_video, probe
from video import clips
from video.tracks import Encoded, packet_times

RATE = 48000
# Encoders by their short names, with a rate at which a tone stays a tone.
ENCODERS = ("aac:128k", "opus:96k", "mp3:128k", "ac3:192k", "eac3:192k", "flac", "alac")
# Seconds in which tones are heard; each part has its own pitches.
BURSTS = ((0.05, 0.2), (0.31, 0.37), (0.55, 0.8), (0.97, 1.0))


def signal(seconds: float, rate: int = RATE, channels: int = 1) -> NDArray[np.float32]:
    """Bursts of tones, other ones in each channel."""
    time = np.arange(int(seconds * rate)) / rate
    waves = []
    for channel in range(channels):
        wave = np.zeros_like(time)
        for number, (start, end) in enumerate(
            (s + turn, e + turn) for turn in range(int(seconds) + 1) for s, e in BURSTS
        ):
            pitches = (331 + 40 * number % 300 + 29 * channel, 997 + 61 * number % 500)
            inside = (start <= time) & (time < end)
            wave[inside] += sum(np.sin(2 * np.pi * pitch * time[inside]) for pitch in pitches) / 5
        waves.append(wave)
    return np.stack(waves).astype(np.float32)


def source(
    path: Path,
    parts: Sequence[tuple[float, float]] = ((0, 2),),
    *,
    codec: str = "flac",
    rate: int = RATE,
    layout: str = "mono",
    frames: int = 8,
    flags: int = 1,
    suffix_streams: int = 1,
    block: int = RATE,
) -> Path:
    """A video with sound: parts of the signal, each from one time to another, and nothing between them."""

    def others(out: Any) -> Callable[[Any], None]:
        streams = []
        for number in range(suffix_streams):
            stream = out.add_stream(codec, rate=rate)
            stream.codec_context.layout = layout
            stream.metadata.update(language=("eng", "jpn")[number], title=("Talk", "More")[number])
            stream.disposition = flags if number == 0 else 0
            streams.append(stream)

        def write(_out: Any) -> None:
            whole = signal(max(end for _, end in parts), rate, av.AudioLayout(layout).nb_channels)
            for stream in streams:
                context = stream.codec_context
                size, form = context.frame_size or block, context.format.name
                for start, end in parts:
                    piece = whole[:, round(start * rate) : round(end * rate)]
                    for at in range(0, piece.shape[1], size):
                        samples = piece[:, at : at + size]
                        if samples.shape[1] < size and codec == "aac":
                            samples = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
                        each = as_frame(samples, form, layout)
                        each.sample_rate, each.time_base = rate, Fraction(1, rate)
                        each.pts = round(start * rate) + at
                        out.mux(stream.encode(each))
                out.mux(stream.encode(None))

        return write

    times = [round(number * max(end for _, end in parts) * 24 / frames) for number in range(frames)]
    return clips.make_clip(path, times=times, others=others)


def as_frame(samples: NDArray[np.float32], form: str, layout: str) -> Any:
    kind = form.rstrip("p")
    scale, dtype = {"s16": (32767, np.int16), "s32": (2**31 - 1, np.int32), "flt": (1, np.float32)}[kind]
    values = (samples.astype(np.float64) * scale).astype(dtype)
    if not form.endswith("p"):
        values = values.T.reshape(1, -1)
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(values), format=form, layout=layout)


def heard(path: Path, number: int = 0, seconds: float = 3) -> NDArray[np.float32]:
    """What is heard of a sound: (channels, samples) from time 0 on at 48 kHz, silence where there is nothing."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        result = np.zeros((stream.codec_context.layout.nb_channels, int(seconds * RATE)), np.float32)
        following = None
        for frame in container.decode(stream):
            at = round(frame.pts * frame.time_base * RATE)
            values = as_samples(frame)
            # Times of Matroska are rounded to milliseconds; samples that follow each other stay together.
            if following is not None and abs(at - following) < RATE // 500:
                at = following
            following = at + values.shape[1]
            skip = max(0, -at)
            piece = values[:, skip : skip + max(0, result.shape[1] - max(at, 0))]
            result[:, max(at, 0) : max(at, 0) + piece.shape[1]] = piece
    return result


def as_samples(frame: Any) -> NDArray[np.float32]:
    """A frame as (channels, samples) from -1 to 1 at 48 kHz."""
    kind, count = frame.format.name.removesuffix("p"), frame.layout.nb_channels
    scale = {"s16": 1 << 15, "s32": 1 << 31, "flt": 1}[kind]
    frame.pts = None  # in one plane, since PyAV cannot read the planes of 8 channels
    (packed,) = av.AudioResampler(kind, frame.layout.name, frame.sample_rate).resample(frame)
    values = packed.to_ndarray().astype(np.float64).reshape(-1, count).T / scale
    if frame.sample_rate != RATE:
        old = np.arange(values.shape[1]) / frame.sample_rate
        new = np.arange(round(values.shape[1] * RATE / frame.sample_rate)) / RATE
        values = np.stack([np.interp(new, old, channel) for channel in values])
    return values.astype(np.float32)


def lag(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[float, float]:
    """By how many seconds the second signal is late, and how alike they are at that distance."""
    size = 1 << (2 * before.size - 1).bit_length()
    spectrum = np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size))
    correlation = np.fft.irfft(spectrum, size)
    place = int(np.argmax(correlation))
    alike = correlation[place] / np.sqrt((before**2).sum() * (after**2).sum())
    return (place if place < size // 2 else place - size) / RATE, float(alike)


def assert_alike(before: NDArray[np.float32], after: NDArray[np.float32], most: float = 0.001) -> None:
    assert before.shape == after.shape
    for one, other in zip(before, after, strict=True):
        late, alike = lag(one, other)
        assert abs(late) <= most, late
        assert alike > 0.97, alike


def pairs() -> list[tuple[str, str]]:
    return [
        (audio, container.suffixes[0])
        for audio in ENCODERS
        for container in CONTAINERS
        if holds_sound(container, SOUND_ENCODERS[audio.split(":")[0]].codec)
    ]


@pytest.mark.parametrize(("audio", "suffix"), pairs())
def test_what_is_heard_stays_in_time(tmp_path: Path, audio: str, suffix: str) -> None:
    path = source(tmp_path / "in.mkv", [(0, 2)])
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio=audio, preset=preset(suffix))
    with av.open(str(result.destination)) as container:
        start = float(min(s.start_time * s.time_base for s in container.streams.video))
        assert container.streams.audio[0].codec_context.codec.canonical_name == audio.split(":")[0]
    after = heard(result.destination)
    if suffix == ".nut":  # it shifts everything, and cannot say what decoders skip
        after = np.roll(after, -round(start * RATE), axis=1)
    assert_alike(heard(path), after)


def preset(suffix: str) -> str | None:
    return "8" if suffix == ".webm" else None


@pytest.mark.parametrize("audio", ENCODERS)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize(
    "parts",
    [[(0.5, 2)], [(0, 0.6), (0.75, 2)], [(0, 0.3), (0.32, 2)], [(0.3, 1.1), (1.2, 1.6), (1.9, 2)]],
    ids=["late", "pause", "short", "pauses"],
)
def test_pauses_stay(tmp_path: Path, audio: str, suffix: str, parts: list[tuple[float, float]]) -> None:
    path = source(tmp_path / "in.mkv", parts)
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio=audio)
    assert_alike(heard(path), heard(result.destination))


@pytest.mark.parametrize("audio", ENCODERS)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_long_pause_is_a_gap_and_not_silence(tmp_path: Path, audio: str, suffix: str) -> None:
    path = source(tmp_path / "in.mkv", [(0, 1), (31, 33)])
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio=audio)
    before, after = heard(path, seconds=34), heard(result.destination, seconds=34)
    assert_alike(before[:, : 2 * RATE], after[:, : 2 * RATE])
    assert_alike(before[:, 30 * RATE :], after[:, 30 * RATE :])
    assert np.abs(after[:, 2 * RATE : 30 * RATE]).max() < 0.02
    with open_video(result.destination) as container:
        stream = container.streams.audio[0]
        packets = [p for p in container.demux(stream) if p.size]
        assert sum(5 < p.pts * stream.time_base < 30 for p in packets) == 0


def test_sound_that_overlaps_is_cut(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", [(n * 0.08, n * 0.08 + 0.1) for n in range(24)], codec="pcm_s16le")
    with open_video(path) as container:
        ends = [(p.pts, p.duration) for p in container.demux(audio=0) if p.size]
    assert any(b[0] < a[0] + a[1] for a, b in pairwise(ends))
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio="flac")
    after = heard(result.destination)[0]
    assert np.abs(signal(1.8)[0] - after[: int(1.8 * RATE)]).max() < 0.001  # each sample once, at its time


@pytest.mark.parametrize("name", ["sound.mp4", "sound.mkv", "transport.ts", "transport_aac.ts", "video.avi"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sources_with_clocks_of_their_own(tmp_path: Path, name: str, suffix: str) -> None:
    path = clips.CLIPS[name](tmp_path / name)
    copied = upscale_file(path, tmp_path / f"copied{suffix}", model="bicubic")
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio="flac")
    # A tone is alike at any period, so where it begins and ends is compared.
    before, after = heard(copied.destination)[0], heard(result.destination)[0]
    loud = [np.flatnonzero(np.abs(each) > 0.1) for each in (before, after)]
    assert abs(loud[0][0] - loud[1][0]) <= RATE // 1000
    assert abs(loud[0][-1] - loud[1][-1]) <= RATE // 1000


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_part_of_a_video(tmp_path: Path, suffix: str) -> None:
    path = source(tmp_path / "in.mkv", [(0, 2)], codec="pcm_s16le", frames=48, block=960)
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio="aac:128k", start=0.5, end=1.75)
    before = heard(path)[:, RATE // 2 : RATE * 7 // 4]
    after = heard(result.destination)[:, : before.shape[1]]
    late, alike = lag(before[0], after[0])
    assert abs(late) <= 0.001
    assert alike > 0.95


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "5.1(side)", "7.1"])
@pytest.mark.parametrize("audio", ["aac:384k", "opus:384k", "flac"])
def test_channels_stay_in_their_places(tmp_path: Path, layout: str, audio: str) -> None:
    path = source(tmp_path / "in.mkv", [(0, 1)], codec="flac", layout=layout)
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio=audio)
    name, relabelled = audio.split(":")[0], layout == "5.1(side)" and audio != "flac"
    notes = []
    if layout == "mono" and name == "opus":
        notes.append("audio stream 1 (flac, eng): opus takes at most 256k for its channels (mono)")
    if relabelled:
        notes.append(
            f"audio stream 1 (flac, eng): {name} does not have the layout 5.1(side); its channels are stored as 5.1"
        )
    assert list(result.notes) == notes
    with av.open(str(result.destination)) as container:
        assert next(container.decode(audio=0)).layout.name == ("5.1" if relabelled else layout)
    before, after = heard(path), heard(result.destination)
    assert before.shape == after.shape
    names = av.AudioLayout(layout).channels
    for name, one, other in zip(names, before, after, strict=True):
        if name.name != "LFE" or audio == "flac":  # lossy encoders keep only its lowest tones
            late, alike = lag(one, other)
            assert abs(late) <= 0.001, name
            assert alike > 0.97, name


@pytest.mark.parametrize(
    ("rate", "audio", "becomes"), [(44100, "opus:96k", 48000), (8000, "ac3", 32000), (22050, "aac", 22050)]
)
def test_the_sample_rate_changes_only_where_it_must(tmp_path: Path, rate: int, audio: str, becomes: int) -> None:
    path = source(tmp_path / "in.mkv", [(0, 2)], rate=rate)
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio=audio)
    name = audio.split(":")[0]
    assert result.notes == (
        ()
        if rate == becomes
        else (f"audio stream 1 (flac, eng): {name} does not have {rate} Hz; it becomes {becomes} Hz",)
    )
    with av.open(str(result.destination)) as container:
        assert container.streams.audio[0].codec_context.sample_rate == becomes
    late, alike = lag(heard(path)[0], heard(result.destination)[0])
    assert abs(late) <= 0.001
    assert alike > 0.85  # both are interpolated linearly


def test_lossless_stays_lossless(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", [(0, 2)], codec="pcm_s16le", layout="stereo")
    for audio in ("flac", "alac"):
        result = upscale_file(path, tmp_path / f"{audio}.mkv", model="bicubic", audio=audio)
        contents = []
        for each in (path, result.destination):
            with av.open(str(each)) as container:
                frames = [f for f in container.decode(audio=0)]
                packed = av.AudioResampler("s16", "stereo", RATE)
                contents.append(
                    b"".join(bytes(r.planes[0])[: r.samples * 4] for f in frames for r in packed.resample(f))
                )
        assert contents[0] == contents[1]


def test_several_streams_keep_what_is_said_of_them(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", suffix_streams=2)
    for suffix, titled in ((".mkv", "title"), (".mp4", None)):
        result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio="aac:96k")
        with av.open(str(result.destination)) as container:
            sounds = container.streams.audio
            assert [each.language for each in sounds] == ["eng", "jpn"]
            assert [int(each.disposition) & 1 for each in sounds] == [1, 0]
            assert [each.codec_context.codec.canonical_name for each in sounds] == ["aac", "aac"]
            if titled:
                assert [each.metadata["title"] for each in sounds] == ["Talk", "More"]


def test_none_leaves_sound_out(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv")
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio="none")
    assert result.notes == ()
    assert [stream.kind for stream in probe(result.destination).streams] == ["video"]


def test_another_setting_is_another_result(tmp_path: Path) -> None:
    path, out = source(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    assert not upscale_file(path, out, model="bicubic", audio="aac").done_before
    assert upscale_file(path, out, model="bicubic", audio="aac").done_before
    for audio in ("aac:96k", "opus", "copy", "none"):
        with pytest.raises(VideoWriteError, match="made from this video with other settings"):
            upscale_file(path, out, model="bicubic", audio=audio)


def damaged(path: Path) -> Path:
    """A Matroska video with FLAC of which some packets in the middle are zeros."""
    source(path, [(0, 2)])
    content = path.read_bytes()
    with open_video(path) as container:
        packets = [bytes(p) for p in container.demux(audio=0) if p.size]
    for packet in packets[8:10]:
        content = content.replace(packet, bytes(len(packet)))
    path.write_bytes(content)
    return path


def test_damage_is_named_and_leaves_the_rest_in_time(tmp_path: Path) -> None:
    path = damaged(tmp_path / "in.mkv")
    result = upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio="flac")
    assert any(note.endswith("there is silence instead") for note in result.notes), result.notes
    late, _ = lag(signal(2)[0], heard(result.destination)[0][: 2 * RATE])
    assert abs(late) <= 0.001


def test_a_change_of_channels_on_the_way_is_named(tmp_path: Path) -> None:
    """A transport stream whose sound turns from stereo to mono, as broadcasts do."""
    parts = []
    for number, layout in enumerate(("stereo", "mono")):
        path = source(tmp_path / f"{number}.ts", [(0, 1)], codec="mp2", layout=layout, frames=24)
        parts.append(path.read_bytes())
    joined = tmp_path / "in.ts"
    joined.write_bytes(b"".join(parts))
    result = upscale_file(joined, tmp_path / "out.mkv", model="bicubic", audio="aac")
    assert any("change on the way; all of it becomes stereo at 48000 Hz" in note for note in result.notes)
    after = heard(result.destination)
    assert after.shape[0] == 2
    assert np.abs(after[:, RATE : 2 * RATE]).max(axis=1).min() > 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acc", "Unknown audio 'acc'. Did you mean 'a"),
        ("mp4:128k", "Choices: copy, none, aac, opus"),
        ("aac:", "audio='aac:': aac takes 8k to 1024k bits a second, as in aac:128k"),
        ("aac:0", "aac takes 8k to"),
        ("aac:-5k", "aac takes 8k to"),
        ("aac:9999999999999999k", "aac takes 8k to"),
        ("mp3:500k", "mp3 takes 8k to 320k"),
        ("flac:128k", "flac is lossless and has no bit rate; audio='flac' would do"),
        ("copy:128k", "Unknown audio 'copy:128k'"),
        ("", "Unknown audio ''"),
    ],
)
def test_wrong_settings(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_audio(text)
    assert message in str(caught.value)


def test_settings() -> None:
    assert [parse_audio("aac:128k").bits(n) for n in (1, 2, 6)] == [128000] * 3
    assert [parse_audio("AC3").bits(n) for n in (1, 2, 6)] == [96000, 192000, 576000]
    assert parse_audio("opus:96000") == parse_audio("opus:96K")
    assert str(parse_audio("copy")) == "copy"
    assert str(parse_audio("none")) == "none"


def test_a_container_that_does_not_hold_it(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv")
    for suffix, audio in (
        (".webm", "aac:128k"),
        (".mov", "flac"),
        (".mov", "opus"),
        (".nut", "alac"),
        (".nut", "eac3"),
    ):
        with pytest.raises(
            InvalidArgument, match=r"^audio='.*': \w+ cannot hold sound encoded by \w+; .* can, and audio="
        ):
            upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio=audio)


def test_channels_that_an_encoder_does_not_take(tmp_path: Path) -> None:
    path = source(tmp_path / "in.mkv", layout="5.1")
    with pytest.raises(Unsupported, match=r"encoder mp3 does not take audio stream 1 .*\(5\.1\) at 48000 Hz"):
        upscale_file(path, tmp_path / "out.mkv", model="bicubic", audio="mp3")
    assert [each.name for each in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ({"start": 0.2}, "begins at"),
        ({"end": 1.7}, "ends at"),
        ({"rate": 44100}, "not 1 at 48000 Hz"),
        ({"layout": "stereo"}, "has 2 channels at 48000 Hz, not 1 at 48000 Hz"),
        ({"codec": "mp3"}, "became audio stream 1 (mp3, eng)"),
    ],
)
def test_a_spoiled_sound_is_found(tmp_path: Path, spoil: dict[str, Any], sentence: str) -> None:
    path = source(tmp_path / "in.mkv", [(0, 2)])
    video, out = probe(path), tmp_path / "out.mkv"
    track = Encoded(video, packet_times(video))
    with open_video(path) as container:
        selection = select_streams(video, container, container_of(out), "libx264", audio=parse_audio("aac:128k"))
    mux_video(video, track, out, selection)
    expected = replace(video.stream, size=track.size, pix_fmt=track.pix_fmt)
    assert find_differences(video, out, track.times, expected, selection) == []
    other = source(
        tmp_path / "other.mkv",
        [(spoil.get("start", 0), spoil.get("end", 2))],
        codec={"mp3": "libmp3lame"}.get(spoil.get("codec", ""), "aac"),
        rate=spoil.get("rate", RATE),
        layout=spoil.get("layout", "mono"),
    )
    with av.open(str(out)) as image, av.open(str(other)) as sound, av.open(str(tmp_path / "bad.mkv"), "w") as bad:
        copies = [bad.add_stream_from_template(each) for each in (image.streams.video[0], sound.streams.audio[0])]
        copies[1].metadata.update(language="eng", title="Talk")
        copies[1].disposition = 1
        for index, (packets, stream) in enumerate(((image, image.streams.video[0]), (sound, sound.streams.audio[0]))):
            for packet in packets.demux(stream):
                if packet.size:
                    packet.stream = copies[index]
                    bad.mux(packet)
    found = find_differences(video, tmp_path / "bad.mkv", track.times, expected, selection)
    assert any(sentence in each for each in found), found


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg as an oracle")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm"])
def test_ffmpeg_hears_the_same(tmp_path: Path, suffix: str) -> None:
    path = source(tmp_path / "in.mkv", [(0.25, 2)])
    audio = "opus:128k" if suffix == ".webm" else "aac:128k"
    result = upscale_file(path, tmp_path / f"out{suffix}", model="bicubic", audio=audio, preset=preset(suffix))
    found = []
    for each in (path, result.destination):
        # The filter fills the time before the first sample.
        command = ["ffmpeg", "-v", "error", "-i", each, "-map", "0:a", "-af", "aresample=async=1:first_pts=0"]
        done = subprocess.run([*command, "-ar", "48000", "-f", "f32le", "-"], capture_output=True, check=True)
        samples = np.zeros(3 * RATE, np.float32)
        values = np.frombuffer(done.stdout, np.float32)[: samples.size]
        samples[: values.size] = values
        found.append(samples)
    assert_alike(found[0][None], found[1][None])


def test_memory_is_not_filled_with_silence(tmp_path: Path) -> None:
    """A packet a million seconds later, as a damaged or hostile file may have."""
    path = source(tmp_path / "in.mkv", [(0, 0.5)])
    content = io.BytesIO()
    with av.open(str(path)) as old, av.open(content, "w", format="matroska") as new:
        copies = {each.index: new.add_stream_from_template(each) for each in old.streams}
        packets = [packet for packet in old.demux() if packet.size]
        last = [packet for packet in packets if packet.stream_index == 1][-1]
        for packet in packets:
            if packet is last:
                packet.pts = packet.dts = 10**9
            packet.stream = copies[packet.stream_index]
            new.mux(packet)
    far = tmp_path / "far.mkv"
    far.write_bytes(content.getvalue())
    result = upscale_file(far, tmp_path / "out.mkv", model="bicubic", audio="flac")
    assert result.destination.stat().st_size < 1 << 20

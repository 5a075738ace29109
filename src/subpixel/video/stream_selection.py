"""Which streams of a video its new container can hold, and a note for everything that it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import av

from subpixel.errors import InvalidArgument
from subpixel.video.containers import (
    CONTAINERS,
    Container,
    content_metadata,
    is_cover,
    is_timecode,
    writable_matrix,
    writable_metadata,
    writable_stream_metadata,
)
from subpixel.video.main_stream import upscalable_streams
from subpixel.video.side_data import SIDE_DATA
from subpixel.video.sound_encoding import SoundPlan, plan_sound
from subpixel.video.sound_settings import COPIED, SOUND_ENCODERS, SoundSetting
from subpixel.video.stream_kinds import meaning_of
from subpixel.video.stream_trials import holds_codec, holds_sound, rejection, stored_flags
from subpixel.video.text_conversion import conversion_losses, converts, text_target
from subpixel.video.time_range import Span, TimeRange, span_of
from subpixel.video.video_file import Stream, VideoFile

__all__ = ["StreamSelection", "check_audio", "check_codec", "image_losses", "select_streams"]

# What messages advise for sounds that a container does not hold.
_ADVISED_AUDIO = (("aac", "aac:128k"), ("opus", "opus:96k"))
_STEREO = f"not kept: {SIDE_DATA['STEREO3D'].meaning}"


@dataclass(frozen=True)
class StreamSelection:
    """The streams of a video that go into a container.

    Args:
        container: the container.
        codec: libavcodec's name of the encoder of the image.
        streams: the source's other streams that are written.
        notes: a sentence for each thing that it does not hold.
        span: what is written of them, on the source's clock.
        flags: the flags that a stream has in the result, by its index.
        sounds: how sounds are encoded, by the index of their stream; those that are copied are missing.
        texts: the formats that subtitles are converted to, likewise, by libavcodec's names.
    """

    container: Container
    codec: str
    streams: tuple[Stream, ...]
    notes: tuple[str, ...]
    span: Span
    flags: Mapping[int, int] = field(default_factory=dict)
    sounds: Mapping[int, SoundPlan] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)

    def flags_of(self, stream: Stream) -> int:
        """The flags of a stream that the result has: of the image, those that the container stores."""
        return self.flags.get(stream.index, stream.flags & self.container.dispositions)

    @property
    def late(self) -> bool:
        """Whether only a part is written, without the video's first frame."""
        return self.span.start is not None

    @property
    def written(self) -> tuple[Stream, ...]:
        """The streams whose packets are written. QuickTime's writer makes timecode tracks itself."""
        return tuple(stream for stream in self.streams if not is_timecode(stream))

    @property
    def copied(self) -> tuple[Stream, ...]:
        """Those of them whose packets are the source's."""
        return tuple(each for each in self.written if each.index not in self.became)

    @property
    def became(self) -> dict[int, str]:
        """What the others become, in a few words, by the index of their stream."""
        return {**{index: str(plan) for index, plan in self.sounds.items()}, **self.texts}

    def codec_of(self, stream: Stream) -> str:
        """libavcodec's name of the format that a stream has in the result."""
        if stream.index in self.sounds:
            return self.sounds[stream.index].canonical
        return self.texts.get(stream.index, stream.codec)

    @property
    def changes(self) -> tuple[str, ...]:
        """The streams that are not copied, and what they become, one phrase each."""
        return tuple(f"{each} as {self.became[each.index]}" for each in self.streams if each.index in self.became)


def select_streams(
    video: VideoFile,
    source: Any,
    container: Container,
    codec: str,
    time_range: TimeRange | None = None,
    audio: SoundSetting = COPIED,
    *,
    chosen: bool = False,
) -> StreamSelection:
    """Select the streams of a video that a container can hold.

    Args:
        video: the source.
        source: its open container; nothing is read from it.
        container: the container to write.
        codec: libavcodec's name of the encoder of the image.
        time_range: the part of the video that is written; None for all.
        audio: what becomes of sounds.
        chosen: whether the stream that is upscaled was asked for.

    Raises:
        InvalidArgument: the container does not hold an image of that codec, or sounds of the encoder.
        Unsupported: the encoder does not take a sound's channels.
    """
    check_codec(container, codec)
    check_audio(container, audio)
    streams: list[Stream] = []
    notes: list[str] = []
    sounds: dict[int, SoundPlan] = {}
    texts: dict[int, str] = {}
    for stream in video.others:
        if stream.chapters and video.chapters:
            continue  # writers make this track themselves when they write chapters
        if stream.kind == "audio" and audio.left_out:
            continue
        if stream.kind == "audio" and audio.encoder is not None:
            plan = plan_sound(source.streams[stream.index], stream, audio)
            if plan is not None:
                streams.append(stream)
                sounds[stream.index] = plan
                notes += plan.notes
                continue
            notes.append(f"{stream} cannot be decoded here, so it is not encoded")
        reason = rejection(source, stream, container)
        text = text_target(container, stream.codec)
        if reason is None:
            streams.append(stream)
        elif text is not None and converts(source.streams[stream.index], stream.codec, text):
            streams.append(stream)
            texts[stream.index] = text
            notes.append(_conversion_note(source, stream, container, codec, text))
        else:
            notes.append(_rejection_note(source, stream, container, codec, reason))
    notes += _choice_of_image(video, source, container, streams, chosen=chosen)
    became = {**{index: plan.codec for index, plan in sounds.items()}, **texts}
    flags = {each.index: stored_flags(source, each, container, became.get(each.index)) for each in streams}
    notes += _lost_metadata(video, container, streams, flags)
    span = span_of(video, streams, time_range)
    if span.start is not None and any("timecode" in stream.metadata for stream in video.streams):
        streams = [stream for stream in streams if not is_timecode(stream)]
        notes.append("the timecode belongs to the video's first frame and is left out of this part")
    notes += _chapters_before(video, span)
    return StreamSelection(container, codec, tuple(streams), tuple(notes), span, flags, sounds, texts)


def image_losses(video: VideoFile, container: Container | None) -> tuple[str, ...]:
    """A sentence for everything about a video's image that a result lacks.

    Args:
        video: the source.
        container: of the result; None for a pipe.
    """
    losses = [loss for loss in video.losses if not (loss == _STEREO and _stores_stereo_mode(video, container))]
    if video.stream.alpha:
        if video.images is not None:
            hint = "; images that are written as PNG files, as in -o frames/%04d.png, keep it"
        elif video.format in ("gif", "apng"):
            hint = "; subpixel upscale keeps the animation with it"
        else:
            hint = "; save the frames as PNG files to keep it, and use subpixel upscale on their folder"
        losses.append(f"transparency is not kept: the alpha channel is left out{hint}")
    return tuple(losses)


def _stores_stereo_mode(video: VideoFile, container: Container | None) -> bool:
    """Whether the layout of two views is metadata of the stream that the container understands, as in Matroska."""
    understood = container is not None and container.format in ("matroska", "webm")
    return understood and "stereo_mode" in video.streams[video.main].metadata


def check_codec(container: Container, codec: str) -> None:
    """Check that a container holds an image.

    Args:
        container: the container.
        codec: libavcodec's name of the encoder of the image.

    Raises:
        InvalidArgument: it does not.
    """
    if not holds_codec(container, codec):
        others = ", ".join(str(other) for other in CONTAINERS if holds_codec(other, codec))
        hint = f"; {others} can" if others else ""
        raise InvalidArgument(f"{container} cannot hold an image encoded by {codec}{hint}")


def check_audio(container: Container, audio: SoundSetting) -> None:
    """Check that a container holds sounds of the encoder that was asked for.

    Raises:
        InvalidArgument: it does not.
    """
    if audio.encoder is None or holds_sound(container, audio.encoder.codec):
        return
    others = ", ".join(str(other) for other in CONTAINERS if holds_sound(other, audio.encoder.codec))
    hint = f"; {others} can" if others else ""
    advice = _audio_advice(container)
    raise InvalidArgument(
        f"audio={str(audio)!r}: {container} cannot hold sound encoded by {audio.encoder.name}{hint}"
        f"{f', and {advice} would do' if advice else ''}"
    )


def _audio_advice(container: Container) -> str:
    """An encoder of sound whose result a container holds, as a message names it; empty if there is none."""
    held = (text for name, text in _ADVISED_AUDIO if holds_sound(container, SOUND_ENCODERS[name].codec))
    return next((f"audio={text!r}" for text in held), "")


def _choice_of_image(
    video: VideoFile, source: Any, container: Container, kept: list[Stream], *, chosen: bool
) -> Iterator[str]:
    """Sentences, if there are other video streams: which one is upscaled, and which are copied."""
    others = [each for each in video.others if each.kind == "video" and not is_cover(each)]
    if not others:
        return
    copied = [str(each) for each in others if each in kept]
    what = f"; copied as {'it is' if len(copied) == 1 else 'they are'}: {', '.join(copied)}" if copied else ""
    width, height = video.stream.size
    for each in others:
        if each in kept and _shows_hidden_frames(source.streams[each.index], container):
            yield f"{each}: frames that an edit list hides become visible in {container}"
    able = [f"stream={each.index}" for each in others if source.streams[each.index] in upscalable_streams(source)]
    advice = f"; {' or '.join(able)} would upscale another" if able and not chosen else ""
    yield (
        f"of {len(others) + 1} video streams, stream {video.main} ({video.codec}, {width}×{height}) is upscaled{what}"
        f"{advice}"
    )


def _rejection_note(source: Any, stream: Stream, container: Container, codec: str, reason: str) -> str:
    if is_timecode(stream):
        return f"{stream} becomes metadata of the image in {container}: timecode {stream.metadata['timecode']}"
    others = _holders(source, stream, container, codec)
    hint = f"{others} can hold it" if others else "no container that is written here can hold it"
    advice = _audio_advice(container) if stream.kind == "audio" and source.streams[stream.index].codec_context else ""
    hint += f", and {advice} would encode it" if advice else ""
    meaning = meaning_of(stream)
    what = f"{stream}, {meaning}," if meaning else f"{stream}"
    return f"{what} is left out: {container} cannot hold it ({reason}); {hint}"


def _conversion_note(source: Any, stream: Stream, container: Container, codec: str, after: str) -> str:
    others, lost = _holders(source, stream, container, codec), conversion_losses(stream.codec, after)
    kept = "words, times, bold, italics and underlines are kept"
    hint = f"; {others} can hold it" if others else ""
    return (
        f"{stream} is converted to {after}, since {container} cannot hold it: {kept}"
        f"{f', {lost} are not' if lost else ''}{hint}"
    )


def _holders(source: Any, stream: Stream, container: Container, codec: str) -> str:
    """The other containers that hold the image and a stream."""
    return ", ".join(
        str(other)
        for other in CONTAINERS
        if other != container and holds_codec(other, codec) and rejection(source, stream, other) is None
    )


def _shows_hidden_frames(stream: Any, container: Container) -> bool:
    """Whether a copy of a video stream shows frames that an edit list hides; others need them to be decoded.

    Where times below 0 are hidden, those at its beginning stay hidden.
    """
    hidden = [each.is_discard for each in stream.index_entries]
    if not any(hidden):
        return False
    return container.delays != "times" or any(hidden[hidden.index(False) :] if False in hidden else hidden)


def _lost_metadata(video: VideoFile, container: Container, streams: list[Stream], kept: Mapping[int, int]) -> list[str]:
    """A sentence for everything about the video and its streams that the container has no place for."""
    notes = []
    if video.chapters and not container.chapters:
        notes.append(f"{container} has no chapters; the video's {len(video.chapters)} are left out")
    if video.stream.matrix is not None and writable_matrix(container, video.stream) is None:
        notes.append(f"{container} cannot store how the image is to be rotated")
    if not container.negative_times and any(stream.kind == "audio" for stream in streams):
        notes.append(
            f"{container} has no negative times: if a stream begins before 0, all streams are shifted alike, and "
            "samples that decoders should skip are heard"
        )
    covers = any(map(is_cover, streams))
    lost = sorted(set(content_metadata(video.metadata)) - set(writable_metadata(container, video, covers)))
    if lost:
        notes.append(f"{container} has no place for the video's metadata {', '.join(map(_printable, lost))}")
    for stream in video.streams:
        if stream.index != video.main and stream not in streams:
            continue
        if is_cover(stream) or is_timecode(stream):
            continue
        lost = sorted(
            set(content_metadata(stream.metadata)) - set(writable_stream_metadata(container, stream)) - {"name"}
        )
        if lost:
            notes.append(f"{container} has no place for the metadata {', '.join(map(_printable, lost))} of {stream}")
        flags = stream.flags & ~kept.get(stream.index, container.dispositions)
        if flags:
            names = ", ".join(flag.name or "" for flag in av.stream.Disposition if flag & flags)
            notes.append(f"{container} has no place for the disposition of {stream} ({names})")
    return notes


def _chapters_before(video: VideoFile, span: Span) -> Iterator[str]:
    """A sentence, if chapters of a whole video end before its result begins."""
    lost = [each for each in video.chapters if each.end * each.time_base <= span.zero]
    if lost and span.start is None:
        yield f"{len(lost)} of {len(video.chapters)} chapters end before the first frame and are left out"


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()

"""Streams that are not copied: each has a transcoder, which turns the source's packets into those of the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from subpixel.video.sound_encoding import SoundEncoder
from subpixel.video.stream_selection import StreamSelection
from subpixel.video.text_conversion import TextConverter
from subpixel.video.video_file import Stream

__all__ = ["Transcoder", "add_transcoded", "transcode"]


class Transcoder(Protocol):
    """Turns the packets of a stream into others."""

    def push(self, packet: Any) -> Iterator[Any]:
        """The packets that follow from the source's next packet."""

    def flush(self) -> Iterator[Any]:
        """The last packets."""

    def notes(self) -> Iterator[str]:
        """Sentences about what was found on the way."""


def transcode(packets: Iterable[Any], transcoders: Mapping[int, Transcoder]) -> Iterator[tuple[int, Any]]:
    """Packets of a source's streams as the result has them, each with the index of its stream in the source."""
    for packet in packets:
        index = packet.stream_index
        if index in transcoders:
            yield from ((index, each) for each in transcoders[index].push(packet))
        else:
            yield index, packet
    for index, transcoder in transcoders.items():
        yield from ((index, each) for each in transcoder.flush())


def add_transcoded(
    template: Any, stream: Stream, selection: StreamSelection, out: Any
) -> tuple[Any, Transcoder | None]:
    """Add a stream to an output container as a selection has it.

    Args:
        template: the stream in its open file.
        stream: the stream.
        selection: says what becomes of it.
        out: the output container.

    Returns:
        The output's stream, and what transcodes its packets; None if they are copied.
    """
    plan, text = selection.sounds.get(stream.index), selection.texts.get(stream.index)
    if plan is not None:
        target = out.add_stream(plan.codec, rate=plan.rate)
        plan.set_up(target.codec_context)
        return target, SoundEncoder(plan, stream, template, target.codec_context)
    if text is not None:
        converter = TextConverter(template, stream.codec, text)
        return converter.add_to(out, text), converter
    return out.add_stream_from_template(template, opaque=True), None

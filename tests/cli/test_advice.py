"""What a message advises works: each piece of advice is taken from the message itself and carried out."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import subpixel
from cli.conftest import Done
from helpers import save_image
from subpixel.cli import main
from subpixel.models import Model, save
from subpixel.models.our_networks import chain
from subpixel.video.containers import CONTAINERS
from video import clips, stream_clips
from video.images.test_stills import sequence

SOURCE = Path(subpixel.__file__).parent
SUFFIXES = {container.name: container.suffixes[0] for container in CONTAINERS}


@dataclass(frozen=True)
class Case:
    """A command whose message advises something.

    Args:
        text: what the message says, as the code has it: the search below finds messages without a case by it.
        make: makes the input in a folder.
        arguments: of the command, with IN for the input and OUT for the folder of outputs.
        advice: how many pieces of advice there must be.
        first: a command that is run before, such as one that makes the file that is in the way.
    """

    text: str
    make: Callable[[Path], Path]
    arguments: str
    advice: int = 1
    first: str = ""
    skipped: tuple[str, ...] = field(default=())


def plain(folder: Path) -> Path:
    return clips.make_clip(folder / "in.mp4", times=range(3))


def rgb(folder: Path) -> Path:
    return clips.make_clip(folder / "in.mkv", codec="ffv1", pix_fmt="bgr0", times=range(3))


def odd(folder: Path) -> Path:
    return clips.make_clip(folder / "in.mkv", codec="ffv1", size=(45, 33), times=range(3))


def four_one_one(folder: Path) -> Path:
    return clips.make_clip(folder / "in.mkv", codec="ffv1", pix_fmt="yuv411p", times=range(3))


def full_range(folder: Path) -> Path:
    return clips.make_clip(folder / "in.mkv", codec="mjpeg", pix_fmt="yuvj422p", times=range(3))


def photo(folder: Path, suffix: str = ".png") -> Path:
    y, x = np.mgrid[:16, :24]
    return save_image(folder / f"in{suffix}", np.dstack([x * 10, y * 15, 255 - x * 10]).astype(np.uint8))


def deep(folder: Path) -> Path:
    return save_image(folder / "in.png", np.full((16, 24, 3), 40000, np.uint16))


def transparent(folder: Path) -> Path:
    path = folder / "in.png"
    Image.new("RGBA", (24, 16), (200, 40, 90, 80)).save(path)
    return path


def animated(folder: Path) -> Path:
    path = folder / "in.gif"
    frames = [Image.new("RGBA", (24, 16), (80 * n, 40, 90, 255 * (n > 0))) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def stills(folder: Path) -> Path:
    return sequence(folder / "frames", 3)


# -n bicubic where the model does not matter: it needs no time.
VIDEO = "video IN -n bicubic --quiet"
OTHER = "video IN -n fast --quiet"
CASES = (
    Case("made from this video with other settings; overwrite=True replaces it", plain, VIDEO, first=OTHER),
    Case("deinterlace=True makes it progressive", lambda f: clips.interlaced(f / "in.mp4"), VIDEO),
    Case("does not accept pixel format {wanted}", plain, f"{VIDEO} --encoder prores -o OUT/a.mkv", 6),
    Case("does not accept pixel format {wanted}", rgb, f"{VIDEO} --encoder x264 -o OUT/a.mkv", 4),
    Case("does not accept pixel format {wanted}", four_one_one, f"{VIDEO} --encoder x264 -o OUT/a.nut", 2),
    Case("encoder {name} does not accept it", plain, f"{VIDEO} --encoder svt-av1 --pix-fmt yuv444p -o OUT/a.mkv", 5),
    Case("which has an odd", odd, f"{VIDEO} -s 3 --encoder x264 -o OUT/a.mp4", 3),
    Case(
        "it does not accept frames of less than",
        lambda f: clips.make_clip(f / "in.mp4", size=(24, 16)),
        f"{VIDEO} --encoder x265 -o OUT/a.mp4",
        4,
    ),
    Case("cannot hold frames of", four_one_one, f"{VIDEO} -o OUT/a.mov", 4),
    Case("cannot hold frames of", odd, f"{VIDEO} -s 3 -o OUT/a.mov", 5),
    Case("cannot hold an image encoded by", plain, f"{VIDEO} --encoder x264 -o OUT/a.webm", 4),
    Case(
        "which this encoder does not store",
        full_range,
        f"{VIDEO} --encoder prores --pix-fmt yuv422p10le -o OUT/a.mov",
        2,
    ),
    Case("is left out: {container} cannot hold it", lambda f: clips.rich(f / "in.mkv"), f"{VIDEO} -o OUT/a.mp4", 3),
    Case(
        "is left out: {container} cannot hold it",
        lambda f: stream_clips.telemetry(f / "in.mp4"),
        f"{VIDEO} -o OUT/a.mkv",
        3,
    ),
    Case(
        "is converted to {after}, since {container} cannot hold it",
        lambda f: clips.subtitled_mp4(f / "in.mp4"),
        f"{VIDEO} -o OUT/a.mkv",
        2,
    ),
    Case(
        "is left out: {container} cannot hold it",
        lambda f: clips.with_sound(f / "in.mp4"),
        f"{VIDEO} --preset 8 --encoder vp9 -o OUT/a.webm",
        4,
    ),
    Case(
        "cannot hold sound encoded by",
        lambda f: clips.with_sound(f / "in.mp4"),
        f"{VIDEO} --audio flac -o OUT/a.mov",
        4,
    ),
    Case(
        "is lossless and has no bit rate",
        lambda f: clips.with_sound(f / "in.mp4"),
        f"{VIDEO} --audio flac:1 -o OUT/a.mkv",
    ),
    Case("video streams, stream", lambda f: stream_clips.big_second(f / "in.mkv"), f"{VIDEO} -o OUT/a.mkv"),
    Case("it cannot be opened", plain, f"{VIDEO} --encoder h264_nvenc -o OUT/a.mkv", 5),
    Case(
        "does not write the video's HDR10 metadata",
        lambda f: clips.hdr(f / "in.mkv"),
        f"{VIDEO} --encoder vp9 --preset 8 --pix-fmt yuv420p -o OUT/a.webm",
    ),
    Case(
        "cannot store the sample aspect ratio",
        lambda f: clips.anamorphic(f / "in.mp4"),
        f"{VIDEO} --encoder ffv1 -o OUT/a.nut",
        4,
    ),
    Case("supported for videos; use one of", plain, f"{VIDEO} -o OUT/a.avi", 7),
    Case("would keep them as they are", stills, f"{VIDEO} --rate 24 -o OUT/a.mkv"),
    Case("would keep them as they are", stills, f"{VIDEO} --rate 24 -o OUT/a.mp4"),
    Case("frames a second are assumed", stills, f"{VIDEO} --encoder ffv1 -o OUT/a.mkv"),
    Case("this is an image; use subpixel upscale", photo, VIDEO),
    Case("this is an image; use subpixel upscale", lambda f: photo(f, ".webp"), VIDEO),
    Case("; subpixel upscale keeps the animation", animated, f"{VIDEO} -o OUT/a.mkv", skipped=("-o", "OUT/a.mkv")),
    Case("reads several frames and does not support", rgb, "video IN -s 3 -n recurrent --quiet"),
    Case("reads several frames and does not support", plain, "video IN -s 3 -n recurrent --realtime --quiet"),
    Case("reads several frames and does not run twice", plain, "video IN -s 12 -n recurrent --quiet"),
    Case("contradict each other; use --start to say", plain, f"{VIDEO} --preview 1 --end 1"),
    Case("this is a video; use subpixel video", plain, "upscale IN -n bicubic --quiet"),
    Case("is for videos and does not upscale images", photo, "upscale IN -s 3 -n recurrent --quiet"),
    Case(
        "exists already; overwrite=True replaces it",
        photo,
        "upscale IN -n bicubic --quiet -o OUT/a.png",
        first="upscale IN -n bicubic --quiet -o OUT/a.png --no-provenance",
    ),
    Case(
        "exists already{why}; overwrite=True replaces it",
        photo,
        "upscale IN -n bicubic --quiet",
        first="upscale IN -n bicubic --quiet -s 3 -o FOLDER/in_x2.png",
    ),
    Case(
        "no comparison was made; overwrite=True makes both",
        photo,
        "upscale IN -n bicubic --compare OUT/c.png",
        first="upscale IN -n bicubic --quiet",
    ),
    Case(" can hold it", transparent, "upscale IN -n bicubic --quiet -o OUT/a.jpg", 5),
    Case(" can hold it", deep, "upscale IN -n bicubic --quiet -o OUT/a.jpg", 3),
    Case("cleans it anyway", photo, "upscale IN -s 1 --quiet"),
    Case("(model 'fast-compressed') does", photo, "upscale IN -s 1 -n fast --quiet"),
)

OPTION = re.compile(
    r"(?<![\w`-])(--[a-z][a-z-]*)(?: ([\w.+:-]+|'[^']+'))?"
    r"(?= (?:or|does|can|would|replaces|makes|converts|lays|rounds|to say)|$)"
)
MODEL = re.compile(r"model '([\w-]+)'\)? (?:does|cleans)")
COMMAND = re.compile(r"(?:use|;) `?subpixel (video|upscale)`?")
ONE_OF = re.compile(r"use one of ([.\w, ]+)")
CAN = re.compile(r"; ([^;]*?)(?:, or ([^;]*?))? can(?: hold it)?(?:$|[,;\n])")


def advice(message: str) -> Iterator[list[str]]:
    """The arguments that a message advises, each piece by itself."""
    for line in message.splitlines():
        for option, value in OPTION.findall(line):
            yield [option, *([value.strip("'")] if value and value not in ("or", "does") else [])]
        for name in MODEL.findall(line):
            yield ["-n", name]
        for command in COMMAND.findall(line):
            yield [command]
        for names in ONE_OF.findall(line):
            yield from (["-o", name.strip()] for name in names.split(","))
        for names, _ in CAN.findall(line):
            for name in names.split(","):
                yield ["-o", SUFFIXES.get(name.strip(), f".{name.strip()}")]


def with_advice(arguments: list[str], piece: list[str], outputs: Path) -> list[str]:
    """A command that follows a piece of advice: an option that it has already is replaced."""
    if piece[0] in ("video", "upscale"):
        return [piece[0], *arguments[1:]]
    name, *value = piece
    if name == "-o":
        value = [str(outputs / f"advised{value[0]}")]
    names = {"-f": "--format", "--format": "-f"}
    for each in (name, names.get(name, name)):
        if each in arguments and value:
            at = arguments.index(each)
            return [*arguments[: at + 1], *value, *arguments[at + 2 :]]
    if name == "--start":  # it stands for --end
        at = arguments.index("--end")
        return [*arguments[:at], name, "0", *arguments[at + 2 :]]
    return [*arguments, name, *value]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.text[:30]}-{case.arguments[:60]}")
def test_advice_works(run: Callable[..., Done], tmp_path: Path, case: Case) -> None:
    folder, outputs = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outputs.mkdir()
    source = case.make(folder)

    def filled(text: str) -> list[str]:
        names = {"IN": str(source), "OUT": str(outputs), "FOLDER": str(folder)}
        return [re.sub(r"^(IN|OUT|FOLDER)(?=/|$)", lambda found: names[found[1]], word) for word in text.split()]

    if case.first:
        assert run(*filled(case.first)).code == 0
    arguments = filled(case.arguments)
    done = run(*arguments)
    message = done.err + done.out
    # What stands for values in the code is anything in the message; parameters have become options.
    words = re.sub(r"(\w+)=True", r"--\1", case.text)
    assert re.search(re.sub(r"\\{\w+\\}", ".*", re.escape(words)), message), message
    assert done.code != 0 or "note: " in done.err or "skipped" in message or "before" in message
    pieces = list(advice(message))
    assert len(pieces) == case.advice, (pieces, message)
    for piece in pieces:
        words = [word for word in arguments if word not in filled(" ".join(case.skipped))]
        following = with_advice(words, piece, outputs)
        if "--overwrite" not in following and following[0] in ("video", "upscale"):
            following = [*following, "--overwrite"]
        after = run(*following)
        assert after.code == 0, (piece, after.err)


# Its advice is about standard output.
PIPE = "holds YUV and gray, not pixel format"


def test_advice_about_pipes_works(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    command = ["video", str(rgb(tmp_path)), "-n", "bicubic", "-o", "-"]
    assert main(command) != 0
    message = capfdbinary.readouterr().err.decode()
    assert PIPE in message
    assert list(advice(message)) == [["--format", "nut"]]
    assert main([*command, "--format", "nut"]) == 0
    with av.open(io.BytesIO(capfdbinary.readouterr().out)) as container:
        assert len(list(container.decode(video=0))) == 3


@pytest.mark.parametrize(
    "options",
    ["--precision int8 --backend native", "--precision int8 --backend reference", "--precision bf16 --backend native"],
)
def test_advice_about_networks_of_videos_works(run: Callable[..., Done], tmp_path: Path, options: str) -> None:
    command = ["video", plain(tmp_path), "-s", "3", "-n", "vespcn", "--quiet"]
    refused = run(*command, *options.split())
    assert refused.code != 0
    assert "; --precision f32 runs this one" in refused.err
    for backend in ("native", "reference", "torch"):
        assert run(*command, "--precision", "f32", "--backend", backend, "--overwrite").code == 0


def test_advice_about_int8_works(run: Callable[..., Done], tmp_path: Path) -> None:
    spec, rng = chain(2, width=8, middle=1, first=5, last=3), np.random.default_rng(0)
    tensors = {name: rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in spec.weight_shapes.items()}
    save(Model("mine", spec, tensors, licence="CC0-1.0"), tmp_path / "mine.safetensors")
    command = ["upscale", photo(tmp_path), "-n", tmp_path / "mine.safetensors", "--precision", "int8", "--quiet"]
    refused = run(*command)
    assert refused.code != 0
    assert "this model file has no int8 parameters; `subpixel quantise` adds them" in refused.err
    images = tmp_path / "images"
    images.mkdir()
    for name in "ab":
        save_image(images / f"{name}.png", rng.integers(0, 256, (96, 96, 3), np.uint8))
    assert run("quantise", tmp_path / "mine.safetensors", "--data", images).code == 0
    assert run(*command).code == 0


# Words by which messages advise something; a message with one of them needs a case above.
WORDS = re.compile(
    r"(overwrite|deinterlace)=True|; use subpixel|; use one of|subpixel upscale keeps|(encoder|pix_fmt|format)='\w+' do"
    r"|use --start| can hold it$|model '[^']*'\)? (does|cleans)"
)


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no documentation, with the names of the values in them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation | inside:
            yield node.lineno, node.value


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = getattr(part, "value", None)
    return f"{{{value.id}}}" if isinstance(value, ast.Name) else "{}"


def test_every_message_that_advises_something_has_a_case() -> None:
    missing = []
    for folder in ("video", "image", "upscaler", "cli"):
        for path in sorted((SOURCE / folder).rglob("*.py")):
            for line, text in literals(path):
                if WORDS.search(text) and not any(each in text for each in (PIPE, *(case.text for case in CASES))):
                    missing.append(f"{path.relative_to(SOURCE)}:{line}: {text}")
    assert missing == []

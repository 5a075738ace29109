"""The examples at the end of each command's help. A test parses every one of them."""

from __future__ import annotations

__all__ = ["EXAMPLES", "examples_of"]

# By command: what to type, and what it does.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "subpixel": (
        ("subpixel upscale photo.jpg", "write photo_x2.png"),
        ("subpixel video video.mkv", "write video_x2.mkv"),
        ("subpixel upscale --help", "explain the options of a command"),
    ),
    "upscale": (
        ("subpixel upscale photo.jpg", "write photo_x2.png beside it"),
        ("subpixel upscale photo.jpg -s 3 -o large.jpg", "name the output"),
        ("subpixel upscale photos -o large --fit 3840x2160", "upscale a folder"),
        ("subpixel upscale photo.jpg --dry-run", "show the time and memory"),
    ),
    "video": (
        ("subpixel video video.mkv", "write video_x2.mkv beside it"),
        ("subpixel video video.mp4 -s 3 -o large.mkv", "name the output"),
        ("subpixel video clips -o large --fit 1920x1080", "upscale a folder"),
        ("subpixel video video.mkv --preview 5", "compare 5 seconds with bicubic"),
        ("subpixel video 'frames/%04d.png' --rate 24 -o video.mkv", "images as frames"),
        ("subpixel video video.mkv -o 'frames/%04d.png'", "an image for each frame"),
    ),
    "cluster": (
        ("subpixel cluster images photos -o large", "upscale a folder"),
        ("subpixel cluster video video.mkv -o large.mkv", "upscale a video"),
        ("subpixel cluster images --help", "explain the options"),
    ),
    "cluster images": (
        ("subpixel cluster images photos -o large", "on the processors of this machine"),
        ("subpixel cluster images photos -o large --address head:6379", "on a cluster"),
        ("subpixel cluster images photos -o large --address auto --ship", "without shared folders"),
    ),
    "cluster video": (
        ("subpixel cluster video video.mkv -o large.mkv", "on the processors of this machine"),
        ("subpixel cluster video video.mkv -o large.mkv --address head:6379", "on a cluster"),
        ("subpixel cluster video video.mkv -o large.mkv --cores 4", "four processors for each worker"),
    ),
    "play": (
        ("subpixel play video.mkv", "watch it in mpv or ffplay"),
        ("subpixel play video.mkv --side-by-side", "compare with bicubic"),
        ("subpixel play video.mkv --start 1:30", "begin at 1 min 30 s"),
    ),
    "serve": (
        ("subpixel serve --open", "open the page on this machine"),
        ("subpixel serve --port 9000 --keep 2d", "keep results for two days"),
        ("subpixel serve --host 0.0.0.0 --token 4c1f9a7e", "let other machines use it"),
    ),
    "models": (
        ("subpixel models", "list all models and scales"),
        ("subpixel models -s 2 --time", "measure them on this machine"),
        ("subpixel models --json", "print all that the files record"),
    ),
    "doctor": (
        ("subpixel doctor", "check this installation"),
        ("subpixel doctor --json", "print it as JSON, for a report"),
    ),
    "evaluate": (
        ("subpixel evaluate -n fast --data test_sets", "measure a model at x2"),
        ("subpixel evaluate -n bicubic --data test_sets", "measure the baseline"),
        ("subpixel evaluate -n recurrent -s 4 --video clip.mkv", "measure on a clip"),
    ),
    "train": (
        ("subpixel train --data photos --out my.safetensors --minutes 20", "train fast"),
        ("subpixel upscale photo.jpg -n my.safetensors", "use the model"),
    ),
    "quantise": (
        ("subpixel quantise my.safetensors --data photos", "add int8 to the file"),
        ("subpixel quantise a.safetensors --data photos -o b.safetensors", "keep a"),
        ("subpixel quantise my.safetensors --data photos --flat", "only find flat parts"),
    ),
    "export": (
        ("subpixel export -n fast -s 2 -o fast.onnx", "write an ONNX model"),
        ("subpixel export -n fast -o fast.onnx --io rgb", "from images to images"),
        ("subpixel export -n high --format torch", "write weights and a module"),
    ),
    "compare": (
        ("subpixel compare photo.jpg", "write a report to photo_compare"),
        ("subpixel compare photo.jpg -s 3 --methods area,fast", "two at x3"),
        ("subpixel compare photo.jpg --figure shuffle", "draw one figure"),
        ("subpixel compare --decoder --minutes 20", "train and compare decoders"),
    ),
    "bench": (
        ("subpixel bench", "an overview, in two minutes"),
        ('subpixel bench --suite ops --only "resize u8"', "measure one operator"),
        ("subpixel bench --suite quality --data test_sets", "compare the models"),
    ),
}


def examples_of(command: str) -> str:
    """The examples of a command as lines that can be copied into a shell.

    >>> print(examples_of("doctor"))
       subpixel doctor         # check this installation
       subpixel doctor --json  # print it as JSON, for a report
    """
    lines = EXAMPLES[command]
    width = max(len(line) for line, _ in lines)
    return "\n".join(f"   {line:<{width}}  # {purpose}" for line, purpose in lines)

"""libavformat opens the one file that it is given, and nothing that a name or a playlist points at."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from PIL import Image

from subpixel.errors import VideoReadError
from subpixel.video.container_input import open_stream, open_video
from subpixel.video.video_file import probe
from video.clips import make_clip

SOURCES = Path(__file__).parents[2] / "src"


def playlists(address: str) -> dict[str, str]:
    """Files that name another one, by their format."""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:4,\n{address}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {address}\n",
        "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S"><Period><AdaptationSet><Representation id="1" bandwidth="1" '
        f'mimeType="video/mp4"><BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "rtsp": f"[Reference]\nRef1={address}\n",
        "pls": f"[playlist]\nFile1={address}\nNumberOfEntries=1\nVersion=2\n",
    }


@pytest.mark.parametrize("form", playlists(""))
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ffconcat", ".sdp", ".mpd", ""])
def test_a_playlist_opens_nothing(tmp_path: Path, form: str, suffix: str) -> None:
    make_clip(tmp_path / "a.mp4", times=range(2))
    path = tmp_path / f"list{suffix}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for address in ("a.mp4", f"file:{tmp_path / 'a.mp4'}", f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4"):
            path.write_text(playlists(address)[form])
            with pytest.raises(VideoReadError, match=r"this is a playlist|has no video stream") as failure:
                probe(path)
            assert str(failure.value).startswith(f"{path}: ")
            assert form in ("rtsp", "pls") or "this is a playlist, which names other files" in str(failure.value)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("name", ["%03d.png", "a*.png", "a?.jpg"])
def test_images_beside_are_no_frames(tmp_path: Path, name: str) -> None:
    for each in (name, "001.png", "002.png", "ab.png", "ab.jpg"):
        Image.new("RGB", (32, 16)).save(tmp_path / each)
    with pytest.raises(VideoReadError, match="this is an image; use subpixel upscale"):
        probe(tmp_path / name)


def test_every_other_opening_is_of_memory_or_goes_through_this_module() -> None:
    """``av.open`` takes a name for a URL."""
    allowed = {"source", "sink", "content", "reader", "_Nowhere(", "io.BytesIO()", "file_url(path)", "file_url("}
    for path in SOURCES.rglob("*.py"):
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith((">>>", "..."))]
        for argument in re.findall(r"\bav\.open\(\s*(io\.BytesIO\(\)|file_url\(path\)|[^,)]*)", "\n".join(lines)):
            assert argument in allowed, f"{path}: av.open({argument}"


class Interrupted:
    """A file whose reading is interrupted, as by Ctrl-C."""

    def read(self, size: int) -> bytes:
        raise KeyboardInterrupt

    def seekable(self) -> bool:
        return False


def test_an_interrupt_passes_through_libavformat() -> None:
    with pytest.raises(KeyboardInterrupt), open_stream(Interrupted(), "a pipe"):  # type: ignore[arg-type]
        pass


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for path, text in ((tmp_path, "this is a folder"), (Path("/dev/null"), "this is a device"), (tmp_path / "a", "no")):
        with pytest.raises(VideoReadError, match=text), open_video(path):
            pass


@pytest.mark.parametrize("offset", [-1, -(1 << 62), 1 << 63, 1 << 100])
def test_a_place_that_cannot_be_is_an_error_that_prints_nothing(tmp_path: Path, offset: int) -> None:
    path = make_clip(tmp_path / "a.mkv", times=range(2))
    with open_video(path) as container:
        assert container.file.file.seek(3) == 3
        assert container.file.file.seek(offset) < 0

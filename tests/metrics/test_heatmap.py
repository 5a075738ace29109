"""Heat maps of the round trip: colours, positions, and files that are not overwritten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metrics.scenes import LUMA, in_db, put, scene
from subpixel import Upscaler
from subpixel.errors import ImageWriteError
from subpixel.image import read
from subpixel.metrics import evaluate
from subpixel.metrics.heatmap import LIMIT, destination, heatmap
from subpixel.metrics.protocol import shrink


def test_the_colours_of_a_map() -> None:
    difference = np.array([[0, LIMIT / 3, -2 * LIMIT / 3], [LIMIT, -255, LIMIT / 6]])
    result = heatmap(difference)
    assert result[:2].tolist() == [
        [[0, 0, 0], [255, 0, 0], [255, 255, 0]],
        [[255, 255, 255], [255, 255, 255], [128, 0, 0]],
    ]
    assert (result[2:4] == 128).all()  # the line
    assert result[4:].shape == (6, 3, 3)  # the bar, from 0 to the limit
    assert (result[4:, 0] == 0).all()
    assert (result[4:, -1] == 255).all()


def test_a_map_shows_where_the_round_trip_differs(tmp_path: Path) -> None:
    put(tmp_path / "set" / "HR" / "a.png", scene(60, 46))
    upscaler = Upscaler(2, model="bicubic")
    report = evaluate(upscaler, tmp_path / "set", heatmaps=tmp_path / "new" / "maps")
    path = destination(tmp_path / "new" / "maps", "set", "a.png", 2)
    assert path.name == f"a_x2_luma_0-{LIMIT}.png"
    small, _ = shrink(scene(60, 46), 2)
    difference = (shrink(upscaler(small), 2)[0].astype(np.float64) - small) @ LUMA
    shown = read(path).pixels
    np.testing.assert_array_equal(shown[:30, :, 0], np.floor(np.clip(3 * abs(difference) / LIMIT, 0, 1) * 255 + 0.5))
    assert report["sets"]["set"]["round_trip_psnr_y"] == pytest.approx(in_db(difference), abs=1e-6)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file() and p.parent.name != "HR"] == [path.name]


def test_existing_maps_are_an_error_before_any_work_unless_overwrite(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path / "set" / "HR" / name, scene(40, 40))
    maps = tmp_path / "maps"
    taken = destination(maps, "set", "b.png", 2)
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"mine")
    seen: list[str] = []
    with pytest.raises(ImageWriteError, match=r"b_x2_luma_0-8\.png: exists already; overwrite=True"):
        evaluate(Upscaler(2, model="bicubic"), tmp_path / "set", seen.append, heatmaps=maps)
    assert (seen, taken.read_bytes(), len(list(taken.parent.iterdir()))) == ([], b"mine", 1)
    evaluate(Upscaler(2, model="bicubic"), tmp_path / "set", heatmaps=maps, overwrite=True)
    assert read(taken).pixels.shape == (28, 20, 3)
    assert len(list(taken.parent.iterdir())) == 2


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    put(tmp_path / "set" / "HR" / "a.png", scene(40, 40))
    (tmp_path / "file").touch()
    with pytest.raises(ImageWriteError, match=r"file.*: the folder cannot be created"):
        evaluate(Upscaler(2, model="bicubic"), tmp_path / "set", heatmaps=tmp_path / "file")

"""A comparison as a whole: its figures by the protocol, its parts, its data, and wrong input."""

import csv
import io
import json
import math

import numpy as np
import pytest

from subpixel import compare
from subpixel.compare import runner
from subpixel.errors import InvalidArgument
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.metrics.quality import psnr, ssim
from subpixel.ops import resize

QUICK = ["nearest", "bilinear", "bicubic", "max-unpooling", "pixel-shuffle", "fast", "vespcn"]


def image(height=96, width=128, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return resize(small, (height, width), mode="cubic")


@pytest.fixture(scope="module")
def results():
    return compare.run(image(), 2, methods=QUICK, threads=1, name="noise.png")


def test_figures_are_those_of_the_protocol(results):
    small, large = shrink(image(), 2)
    assert (results.small == small).all()
    assert (results.truth == large).all()
    ours = resize(small, scale=2, mode="cubic")
    one = results["bicubic"]
    y, true = luma_255(ours), luma_255(large)
    assert one.psnr_y == psnr(y, true, data_range=255, crop=2)
    assert one.ssim_y == ssim(y, true, data_range=255, crop=2)
    assert one.psnr_rgb == psnr(ours, large, crop=2, channel_axis=-1)
    assert one.round_trip == psnr(luma_255(shrink(ours, 2)[0]), luma_255(small), data_range=255)
    assert one.checkerboard == compare.checkerboard(y, 2)
    assert results.truth_checkerboard == compare.checkerboard(true, 2)


def test_each_method_has_its_costs(results):
    assert results["fast"].parameters > 10_000
    assert results["fast"].macs > 1000
    assert results["bicubic"].macs == 18
    assert results["nearest"].macs == 0
    for one in results.measured:
        low, high = one.milliseconds_range
        assert 0 < low <= one.milliseconds <= high


def test_what_cannot_run_is_listed_with_its_reason(results):
    assert results["vespcn"].reason == "it has ×3, ×4, not ×2"
    assert results["vespcn"].psnr_y is None
    assert "vespcn, first frame did not run: it has ×3, ×4, not ×2." in results.to_markdown()
    with pytest.raises(KeyError):
        results["none"]


def test_json_holds_every_figure(results):
    data = json.loads(results.to_json())
    assert data["reference"]
    assert data["threads"] == 1
    assert data["whole"] == [128, 96]
    by_name = {one["name"]: one for one in data["methods"]}
    assert by_name["pixel-shuffle"]["psnr_y"] == "infinite"
    assert by_name["bicubic"]["psnr_y"] == results["bicubic"].psnr_y
    assert set(by_name) == set(QUICK)


def test_csv_has_a_row_for_each_method(results):
    rows = list(csv.DictReader(io.StringIO(results.to_csv())))
    assert [row["method"] for row in rows] == QUICK
    assert float(rows[2]["psnr_y"]) == results["bicubic"].psnr_y
    assert rows[-1]["psnr_y"] == ""
    assert rows[-1]["reason"]


def test_the_table_begins_with_the_best_and_ends_with_what_saw_the_reference(results):
    table = [line for line in results.to_markdown().splitlines() if line.startswith("|")]
    titles = [line.split("|")[1].strip() for line in table[2:]]
    assert set(titles[-2:]) == {"Pixel shuffle of the unshuffled reference *", "Max unpooling *"}
    scores = [results[name].psnr_y for name in ("fast", "bicubic", "bilinear", "nearest")]
    assert sorted(titles[:4]) == sorted(results[name].title for name in ("fast", "bicubic", "bilinear", "nearest"))
    assert (
        titles[scores.index(max(scores)) == 0 and 0]
        == max(results.measured, key=lambda one: -math.inf if one.sees_truth else one.psnr_y).title
    )
    assert len({len(line) for line in table}) == 1


def test_files(results, tmp_path):
    paths = results.save(tmp_path / "new")
    assert [path.name for path in paths] == ["results.json", "results.csv", "results.md"]
    assert paths[0].read_text() == results.to_json()


def test_without_a_reference():
    results = compare.run(image(), 3, methods=["bicubic", "pixel-shuffle"], reference=False, threads=1)
    assert results.truth is None
    assert results.truth_checkerboard is None
    one = results["bicubic"]
    assert one.psnr_y is None
    assert one.round_trip > 25
    assert one.checkerboard is not None
    assert one.image.shape == (288, 384, 3)
    assert "reference" in results["pixel-shuffle"].reason
    assert "PSNR Y" not in results.to_markdown()


def test_of_a_large_image_the_part_with_most_detail_is_used():
    large = np.full((300, 400, 3), 90, np.uint8)
    large[200:260, 300:380] = image(60, 80)
    results = compare.run(large, 2, methods=["nearest", "bicubic"], largest=96, threads=1)
    part = results.part
    assert (part.width, part.height) == (96, 96)
    assert results.whole == (400, 300)
    assert part.left <= 300
    assert part.left + 96 >= 380
    assert part.top <= 200
    assert part.top + 96 >= 260
    assert (results.truth == large[part.top : part.top + 96, part.left : part.left + 96]).all()
    whole = compare.run(large, 2, methods=["nearest"], largest=None, threads=1)
    assert (whole.part.width, whole.part.height) == (400, 300)


def test_the_detail_lies_where_methods_differ():
    flat = np.full((256, 256, 3), 120, np.uint8)
    flat[16:112, 144:240] = image(96, 96)
    detail = compare.run(flat, 2, methods=["nearest", "bicubic"], threads=1).detail
    assert (detail.left, detail.top, detail.width, detail.height) == (144, 16, 96, 96)


def test_sides_that_the_scale_does_not_divide_are_cut_and_gray_is_taken():
    results = compare.run(image(64, 64)[:50, :47, 0], 3, methods=["nearest"], threads=1)
    assert results.truth.shape == (48, 45, 3)
    assert results.whole == (47, 50)


def test_a_progress_names_each_method():
    seen = []
    compare.run(image(), 2, methods=["nearest", "bilinear"], threads=1, progress=seen.append)
    assert seen == ["Nearest", "Bilinear"]


@pytest.mark.parametrize(
    ("given", "options", "text"),
    [
        (np.zeros((1, 1, 3), np.uint8), {}, "1×1 is too small to compare upsamplers: 15×15 pixels are needed at ×2"),
        (np.zeros((64, 64, 4), np.uint8), {}, r"shape \(64, 64, 4\), uint8"),
        (np.zeros((64, 64, 3)), {}, "float64"),
        (image(), {"scale": 5}, "scale=5: 2, 3, 4 or 8 is needed"),
        (image(), {"methods": ["bicubik"]}, "bicubic"),
        (image(), {"degradation": "blur"}, "area"),
        (image(), {"largest": 4}, "largest=4: at least 8 pixels are needed at ×2"),
    ],
)
def test_wrong_input_is_one_sentence(given, options, text):
    with pytest.raises(InvalidArgument, match=text):
        compare.run(given, **options)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda small, scale: small, r"method 'own' returned \(48, 64, 3\); \(96, 128, 3\) is needed"),
        (lambda small, scale: np.zeros((96, 128, 3), np.int32), "returned int32"),
        (lambda small, scale: np.full((96, 128, 3), np.nan), "not finite"),
    ],
)
def test_what_one_s_own_upsampler_may_return(function, text):
    compare.register("own", function)
    with pytest.raises(InvalidArgument, match=text):
        compare.run(image(), 2, methods=["own"], threads=1)


def test_floats_of_one_s_own_are_clipped_and_rounded():
    compare.register("own", lambda small, scale: np.full((96, 128, 3), 300.0) * np.array([1, 0.5, -1]) + [0, 0.5, 0])
    assert compare.run(image(), 2, methods=["own"], threads=1)["own"].image[0, 0].tolist() == [255, 151, 0]


def test_it_runs_without_the_optional_packages(monkeypatch):
    import sys

    for name in ("torch", "matplotlib", "jinja2"):
        monkeypatch.setitem(sys.modules, name, None)
    results = compare.run(image(), 2, methods=["bilinear", "transposed"], threads=1)
    assert results["bilinear"].psnr_y
    assert results["transposed"].reason == "training needs torch: pip install 'subpixel[train]'"


def test_scales_are_those_of_the_command():
    assert runner.SCALES == (2, 3, 4, 8)

"""Each script of examples/ does what it says, with public names alone."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

import subpixel
from subpixel import Upscaler
from subpixel.image import ImageData, read, write
from subpixel.image.synthetic import photograph
from video.clips import FRAMES, SIZE, make_clip

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    write(ImageData(photograph(60, 90)), path)
    return path


def test_each_script_has_a_test() -> None:
    tested = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tested) if isinstance(node, ast.Call)]
    named = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "example" and isinstance(call.args[0], ast.Constant)
    }
    assert set(SCRIPTS) <= named


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_how_to_run_it_and_uses_public_names_only(name: str) -> None:
    tree = ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    assert f"python examples/{name}.py" in (ast.get_docstring(tree) or "")
    public = {"subpixel", "subpixel.train", *(f"subpixel.{room}" for room in subpixel.__all__)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("subpixel"):
            assert node.module in public
            if node.module == "subpixel.train":
                pytest.importorskip("torch")
            offered = importlib.import_module(node.module).__all__
            assert {alias.name for alias in node.names} <= set(offered), node.module
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("subpixel.") for alias in node.names)


def test_upscale_image(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "result.png"
    example("upscale_image").main(str(photo), str(result))
    np.testing.assert_array_equal(read(result).pixels, Upscaler(2)(read(photo).pixels))
    assert "180×120" in capsys.readouterr().out


def test_upscale_folder(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photo.parent / "broken.jpg").write_bytes(b"no image")
    assert example("upscale_folder").main(str(photo.parent), str(tmp_path / "results")) == 3
    assert read(tmp_path / "results" / "photo_x2.png").pixels.shape == (120, 180, 3)
    printed = capsys.readouterr()
    assert printed.out == "photo.png\n"
    assert "broken.jpg" in printed.err


def test_upscale_video_frames(tmp_path: Path) -> None:
    clip, result = make_clip(tmp_path / "clip.mkv"), tmp_path / "result.mkv"
    example("upscale_video_frames").main(str(clip), str(result))
    with av.open(str(clip)) as before, av.open(str(result)) as after:
        pairs = list(zip(before.decode(video=0), after.decode(video=0), strict=True))
    assert len(pairs) == FRAMES
    for small, large in pairs:
        assert (large.width, large.height) == (2 * SIZE[0], 2 * SIZE[1])
        assert large.time == pytest.approx(small.time, abs=0.002)
        plain = small.reformat(large.width, large.height).to_ndarray(format="gray").astype(int)
        assert np.abs(large.to_ndarray(format="gray") - plain).mean() < 8


def test_compare_with_bicubic(photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    example("compare_with_bicubic").main(str(photo), str(sheet))
    pixels, result = read(sheet).pixels, Upscaler(2, model="fast")(read(photo).pixels)
    # 180×120 in panels of up to 588: three times as large.
    assert (pixels[32 : 32 + 360 : 3, 32 + 540 + 24 : 32 + 540 + 24 + 540 : 3] == result).all()


def test_demo(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert example("demo").main([str(photo), "--out", str(out)]) == 0
    names = {"photo_x2.png", "photo_x2_comparison.png", "photo_x3.png", "photo_x3_comparison.png", "photo_upscaled.png"}
    assert {path.name for path in out.iterdir()} == names
    printed = capsys.readouterr().out
    assert printed.count("PSNR") == 4
    assert all(name in printed for name in names)
    assert read(out / "photo_upscaled.png").pixels.shape == (120, 180, 3)


def test_demo_refuses_what_it_cannot_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = tmp_path / "tiny.png"
    write(ImageData(photograph(40, 90)), tiny)
    assert example("demo").main([str(tiny), "--out", str(tmp_path / "demo")]) == 1
    assert "at least 48 pixels" in capsys.readouterr().err


def test_operators(capsys: pytest.CaptureFixture[str]) -> None:
    example("operators").main()
    printed = capsys.readouterr().out
    assert "(1, 12, 8, 8) → (1, 3, 16, 16)" in printed
    assert float(printed.split("largest difference: ")[1]) < 1e-4


def test_load_checkpoint(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    from models.ports import Fsrcnn

    checkpoint, result = tmp_path / "theirs.pth", tmp_path / "result.png"
    torch.manual_seed(0)
    torch.save(Fsrcnn(2).state_dict(), checkpoint)
    example("load_checkpoint").main(str(checkpoint), "2", str(photo), str(result))
    pixels = read(result).pixels
    assert pixels.shape == (120, 180, 3)
    again = Upscaler(2, model=tmp_path / "result.safetensors")
    np.testing.assert_array_equal(again(read(photo).pixels), pixels)


@pytest.mark.slow
def test_train_on_own_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(3):
        write(ImageData(photograph(160, 160, number)), folder / f"{number}.png")
    out = tmp_path / "mine.safetensors"
    example("train_on_own_photos").main(str(folder), str(out), "2")
    assert Upscaler(2, model=out)(np.zeros((8, 9, 3), np.uint8)).shape == (16, 18, 3)
    assert "(64, 96, 3)" in capsys.readouterr().out


def test_compare_upsamplers(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jinja2")
    monkeypatch.setattr("subpixel.compare.methods._OWN", {})
    example("compare_upsamplers").main(str(photo), str(tmp_path / "report"))
    assert "Bicubic, sharpened" in capsys.readouterr().out
    assert "Bicubic, sharpened" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_pipelines_of_pillow_and_opencv(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pillow = pytest.importorskip("PIL.Image")
    result = tmp_path / "result.png"
    example("pipelines").main(str(photo), str(result))
    assert "180×120" in capsys.readouterr().out
    upscaler = Upscaler(2)
    with pillow.open(photo) as image:
        expected = upscaler(np.asarray(image))
        np.testing.assert_array_equal(np.asarray(example("pipelines").for_pillow(upscaler)(image)), expected)
    np.testing.assert_array_equal(read(result).pixels, expected)
    cv2 = pytest.importorskip("cv2")
    step = example("pipelines").for_opencv(upscaler)
    larger = step(cv2.imread(str(photo)))
    np.testing.assert_array_equal(cv2.cvtColor(larger, cv2.COLOR_BGR2RGB), expected)
    with_alpha = step(cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2BGRA))
    np.testing.assert_array_equal(with_alpha[..., :3], larger)
    assert step(cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE)).shape == (120, 180)


def test_pipelines_of_albumentations(photo: Path) -> None:
    albumentations = pytest.importorskip("albumentations")
    pixels, mask = read(photo).pixels, np.arange(60 * 90, dtype=np.int32).reshape(60, 90)
    upscaler = Upscaler(2)
    step = albumentations.Compose([example("pipelines").for_albumentations(upscaler, 2)])
    done = step(image=pixels, mask=mask)
    np.testing.assert_array_equal(done["image"], upscaler(pixels))
    np.testing.assert_array_equal(done["mask"], mask.repeat(2, 0).repeat(2, 1))


def test_pipelines_of_torchvision(photo: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    pixels = torch.from_numpy(np.ascontiguousarray(read(photo).pixels.transpose(2, 0, 1)))
    upscaler = Upscaler(2)
    step = v2.Compose([example("pipelines").for_torchvision(upscaler, 2), v2.ToDtype(torch.float32, scale=True)])
    boxes = tv_tensors.BoundingBoxes([[1, 2, 3, 4]], format="XYXY", canvas_size=(60, 90))
    image, mask, larger = step(tv_tensors.Image(pixels), tv_tensors.Mask(pixels[0]), boxes)
    expected = torch.from_numpy(upscaler(pixels.permute(1, 2, 0).numpy())).permute(2, 0, 1)
    torch.testing.assert_close(image.as_subclass(torch.Tensor), expected / 255)
    assert torch.equal(mask.as_subclass(torch.Tensor), pixels[0].repeat_interleave(2, 0).repeat_interleave(2, 1))
    assert larger.tolist() == [[2, 4, 6, 8]]
    assert larger.canvas_size == (120, 180)
    batch = step(torch.stack([pixels, pixels]))
    torch.testing.assert_close(batch[1], expected / 255)

import numpy as np
import pytest

from subpixel.errors import InvalidArgument, ModelFileError
from subpixel.models import ZOO, Model, espcn, find, save
from subpixel.models.zoo import ARCHITECTURES

SHIPPED = [(entry.name, scale) for entry in ZOO.values() for scale in entry.scales]


@pytest.mark.parametrize(("name", "scale"), SHIPPED)
def test_every_shipped_model_loads(name, scale):
    model = find(name, scale)
    assert model.name == name
    assert model.spec.scale == scale
    assert model.licence
    assert find(name, scale) is model
    if ZOO[name].trained:
        assert model.spec == ARCHITECTURES[name.removesuffix("-compressed")](scale)
        assert model.spec.parameters > 0
        assert model.training
        assert model.figures
    assert model.spec.plain == (not ZOO[name].video)


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name, scale in SHIPPED if ZOO[name].trained])
def test_every_network_has_learned_from_free_pictures_alone(name, scale):
    model = find(name, scale)
    assert model.licence.startswith("Apache-2.0; free to use, commercially too")
    assert "free licences" in model.training["data"]
    first = [*model.training.get("earlier", []), model.training["command"]][0]
    assert "--start" not in first  # so it began with random weights
    assert "BSDS" not in str(model.training)


def test_auto_is_one_of_the_shipped():
    model = find("auto", 2)
    assert model is find(model.name, 2)
    assert ZOO[model.name].trained


def test_names_and_texts():
    for name, entry in ZOO.items():
        assert entry.name == name
        assert entry.about
        assert "\n" not in entry.about
        assert list(entry.scales) == sorted(set(entry.scales))


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("", " See `subpixel models`."),
        ("fats", " Did you mean 'fast'? See `subpixel models`."),
        ("ESPCN", " Did you mean 'espcn'? See `subpixel models`."),
        ("espcn ", " Did you mean 'espcn'? See `subpixel models`."),
        ("../mine", " See `subpixel models`. A path must end in .safetensors, .pth, .pt or .onnx."),
        (
            "espcn.pb",
            " Did you mean 'espcn'? See `subpixel models`. A path must end in .safetensors, .pth, .pt or .onnx.",
        ),
    ],
)
def test_unknown_names(name, rest):
    with pytest.raises(InvalidArgument) as caught:
        find(name, 2)
    assert str(caught.value) == f"Unknown model {name!r}.{rest}"


@pytest.mark.parametrize("name", ["espcn", "bicubic", "auto"])
@pytest.mark.parametrize("scale", [0, -1, 1, 5, 2**31 - 1])
def test_scales_a_model_does_not_have(name, scale):
    with pytest.raises(InvalidArgument) as caught:
        find(name, scale)
    assert str(caught.value).startswith(f"scale={scale}: model '")
    assert str(caught.value).endswith("has ×2, ×3, ×4, ×8")


def test_a_path(tmp_path):
    spec = espcn(3)
    model = Model("mine", spec, {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()})
    path = tmp_path / "mine.safetensors"
    save(model, path)
    assert find(str(path), 3).spec == spec
    with pytest.raises(InvalidArgument, match=r"scale=2: .*mine\.safetensors is a ×3 model"):
        find(str(path), 2)
    with pytest.raises(ModelFileError, match="no such file"):
        find(str(tmp_path / "absent.safetensors"), 2)

import numpy as np
import pytest

from oracle import network
from oracle.conv import activation, conv
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.errors import InvalidArgument
from subpixel.models.espcn import espcn
from subpixel.models.graph import run
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec

# Graphs that each have one thing that is easily got wrong.
GRAPHS = {
    "skips that lost differently": (
        2,
        Conv("a", INPUT, 1, 3, (5, 5), "relu"),
        Conv("b", "a", 3, 3, (3, 3), "prelu"),
        Conv("c", "b", 3, 3, (1, 1)),
        Add("s", ("a", "c", "b")),
        Conv("d", "s", 3, 4, (3, 3)),
        PixelShuffle("u", "d", 2),
    ),
    "concat with the input": (
        1,
        Conv("a", INPUT, 1, 2, (3, 3), "tanh"),
        Concat("j", (INPUT, "a", INPUT)),
        Conv("b", "j", 4, 1, (3, 3)),
    ),
    "kernels not square": (
        1,
        Conv("a", INPUT, 1, 2, (1, 5)),
        Conv("b", INPUT, 1, 2, (3, 1)),
        Add("s", ("a", "b")),
        Conv("c", "s", 2, 1, (5, 3), "clip", False),
    ),
    "DCR shuffle": (
        2,
        Conv("a", INPUT, 1, 8, (3, 3)),
        PixelShuffle("u", "a", 2, "DCR"),
        Conv("b", "u", 2, 1, (1, 1)),
    ),
    "base added to the residual": (
        3,
        Conv("a", INPUT, 1, 9, (3, 3)),
        PixelShuffle("u", "a", 3),
        Resize("r", INPUT, 3, "cubic"),
        Add("s", ("u", "r")),
    ),
    "base after a convolution": (2, Conv("a", INPUT, 1, 1, (3, 3)), Resize("r", "a", 2, "linear")),
    "base before a convolution": (2, Resize("r", INPUT, 2, "cubic"), Conv("a", "r", 1, 1, (3, 3), "clip")),
    "convolution after the shuffle": (
        2,
        Conv("a", INPUT, 1, 4, (3, 3), "prelu"),
        PixelShuffle("u", "a", 2),
        Conv("b", "u", 1, 1, (3, 3)),
    ),
    "upscaled twice": (
        6,
        Conv("a", INPUT, 1, 9, (1, 3)),
        PixelShuffle("u", "a", 3),
        Resize("r", "u", 2, "nearest"),
        Conv("b", "r", 1, 1, (3, 3)),
    ),
    "transposed as in FSRCNN": (
        3,
        Conv("a", INPUT, 1, 2, (3, 3), "prelu"),
        ConvTranspose("t", "a", 2, 1, (9, 9), 3, (4, 4)),
    ),
    "transposed, not square, cut at its ends": (
        4,
        Conv("a", INPUT, 1, 2, (3, 1)),
        ConvTranspose("t", "a", 2, 3, (4, 7), 2, (0, 6), False),
        Conv("b", "t", 3, 2, (1, 3)),
        ConvTranspose("v", "b", 2, 1, (3, 2), 2, (2, 0)),
    ),
    "transposed with holes, beside a base": (
        4,
        ConvTranspose("t", INPUT, 1, 1, (2, 3), 4, (1, 0)),
        Resize("r", INPUT, 4, "linear"),
        Add("s", ("t", "r")),
    ),
    "transposed of stride one": (1, ConvTranspose("t", INPUT, 1, 1, (3, 4), 1, (2, 1))),
    "factor one": (1, PixelShuffle("u", INPUT, 1), Resize("r", "u", 1, "cubic")),
}


def weights_for(spec, rng):
    shapes = spec.weight_shapes
    return {k: (rng.standard_normal(s) / np.prod(s[1:]) ** 0.5).astype(np.float32) for k, s in shapes.items()}


@pytest.mark.parametrize("border", ["replicate", "zero"])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (6, 4)])
@pytest.mark.parametrize("graph", GRAPHS)
def test_follows_the_definition(rng, graph, size, border):
    scale, *layers = GRAPHS[graph]
    spec = Spec(tuple(layers), scale, "luma", border)
    weights, x = weights_for(spec, rng), rng.random((1, *size), np.float32)
    result = run(spec, weights, x[None], NumpyKernels())
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0], network.run(spec, weights, x), atol=2e-6)


@pytest.mark.parametrize("graph", GRAPHS)
def test_colours_and_a_batch(rng, graph):
    scale, *layers = GRAPHS[graph]
    if graph != "factor one":
        layers = [Conv("first", INPUT, 3, 1, (1, 1)), *_moved(layers), Concat("last", ("end", "end", "end"))]
    spec = Spec(tuple(layers), scale, "rgb")
    weights, x = weights_for(spec, rng), rng.random((2, 3, 4, 3), np.float32)
    result = run(spec, weights, x, NumpyKernels())
    for image, expected in zip(result, x, strict=True):
        np.testing.assert_allclose(image, network.run(spec, weights, expected), atol=2e-6)


def _moved(layers):
    """The same layers, reading "first" in place of the input; the last one is called "end"."""
    for layer in layers:
        names = {INPUT: "first", layers[-1].name: "end"}
        parts = vars(layer) | {"name": names.get(layer.name, layer.name)}
        if "source" in parts:
            parts["source"] = names.get(layer.source, layer.source)
        else:
            parts["sources"] = tuple(names.get(s, s) for s in layer.sources)
        yield type(layer)(**parts)


@pytest.mark.parametrize("graph", GRAPHS)
def test_without_padding_it_gives_the_interior(rng, graph):
    scale, *layers = GRAPHS[graph]
    spec = Spec(tuple(layers), scale)
    weights = weights_for(spec, rng)
    x = rng.random((1, 1, 11 + 2 * spec.halo, 9 + 2 * spec.halo), np.float32)
    interior = run(spec, weights, x, NumpyKernels(), pad=False)
    assert interior.shape == (1, 1, 11 * scale, 9 * scale)
    edge = spec.halo * scale
    whole = run(spec, weights, x, NumpyKernels())
    np.testing.assert_array_equal(interior, whole[..., edge : edge + 11 * scale, edge : edge + 9 * scale])


def test_nothing_beyond_the_halo_matters(rng):
    spec = espcn(2)
    weights = weights_for(spec, rng)
    x = rng.random((1, 1, 2 * spec.halo + 3, 2 * spec.halo + 3), np.float32)
    middle = np.s_[..., 2 * (spec.halo + 1) : 2 * (spec.halo + 2), 2 * (spec.halo + 1) : 2 * (spec.halo + 2)]
    before = run(spec, weights, x, NumpyKernels())
    near, far = x.copy(), x.copy()
    near[..., 1, 1] += 1
    far[..., 0, :] += 1
    far[..., :, -1] += 1
    assert not np.array_equal(run(spec, weights, near, NumpyKernels())[middle], before[middle])
    np.testing.assert_array_equal(run(spec, weights, far, NumpyKernels())[middle], before[middle])


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (1, 5), (7, 1)])
@pytest.mark.parametrize("padding", [(0, 0), (2, 1), (3, 3)])
@pytest.mark.parametrize("size", [(7, 6), (8, 80)])
def test_numpy_convolution(rng, kernel, padding, size):
    x, weight = rng.random((2, *size), np.float32), rng.standard_normal((3, 2, *kernel)).astype(np.float32)
    bias = rng.standard_normal(3).astype(np.float32)
    for b in (None, bias):
        result = NumpyKernels().conv(x[None], weight, b, padding)
        np.testing.assert_allclose(result[0], conv(x, weight, b, padding), atol=1e-5)


def test_numpy_convolution_of_a_row_longer_than_its_span(rng):
    x, weight = rng.random((1, 1, 2, 5000), np.float32), rng.standard_normal((1, 1, 1, 3)).astype(np.float32)
    expected = sum(weight[0, 0, 0, j] * x[0, 0, :, j : j + 4998].astype(float) for j in range(3))
    np.testing.assert_allclose(NumpyKernels().conv(x, weight, None, (0, 0))[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["relu", "prelu", "tanh", "clip"])
def test_numpy_activations(kind):
    x = np.array([-3, -0.5, -0.0, 0.25, 1, 1.5, 40], np.float32)
    slope = np.array([0.25], np.float32)
    result = NumpyKernels().activate(x[None, None, None], kind, slope)
    np.testing.assert_allclose(result[0, 0, 0], [activation(float(v), kind, 0.25) for v in x], atol=1e-7)
    assert result.dtype == np.float32


def test_unknown_activation():
    with pytest.raises(InvalidArgument, match=r"Unknown activation 'gelu'\. Did you mean 'relu'"):
        NumpyKernels().activate(np.zeros((1, 1, 1, 1), np.float32), "gelu", None)

"""torch's tools on every operator: what the table in docs/operators.md says of each of them, and the errors."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ops.torch_tools import CALLS, TOOLS, Together, compiled, equal, inputs, shapes
from subpixel import ops
from subpixel.errors import InvalidArgument, Unsupported

# Of torch itself, which uses its older parts.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PAGE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()


def table():
    """The table of the page: what it says by operator and tool."""
    lines = PAGE[PAGE.index("| operator | compile |") :].partition("\n\n")[0].splitlines()
    heads, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line)
    return {row[0].strip("`"): dict(zip(heads[1:], row[1:], strict=True)) for row in rows}


def test_the_table_has_every_operator_and_tool():
    assert set(table()) == set(CALLS) == set(ops.__all__) - {"ConvTransposeForm", "SubpixelForm"}
    assert all(set(row) == set(TOOLS) for row in table().values())
    assert {cell for row in table().values() for cell in row.values()} == {"yes"}


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_what_the_table_says(tool):
    TOOLS[tool]([name for name, row in table().items() if row[tool] == "yes"])


@pytest.mark.long
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("tool", TOOLS)
def test_each_operator_alone(tool, name):
    TOOLS[tool]([name])


@pytest.mark.long
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("free", [False, True])
def test_machine_code(name, free):
    TOOLS["compile, free sizes" if free else "compile"]([name], "inductor")


@pytest.mark.slow
def test_machine_code_of_two():
    compiled(["pixel_shuffle", "resize"], "inductor")


@pytest.mark.long
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:# The axis name")  # two inputs of one call share a free size
def test_onnx(name):
    together = Together([name]).eval()
    # Integers of positions and free sizes of resize's own conventions are what ONNX cannot have.
    spec = (shapes(together, size=name not in ("resize", "max_pool")),)
    program = torch.onnx.export(together, tuple(together.of(inputs())), dynamo=True, dynamic_shapes=spec, verbose=False)
    given = together.of(inputs(3))
    equal(list(program(*given)), together(*given))


RESIZES = {
    "cubic": {"scale": 1.5},
    "antialiased": {"scale": 0.4, "antialias": True},
    "nearest": {"size": (5, 9), "mode": "nearest"},
    "area": {"size": (5, 9), "mode": "area", "like": "opencv"},
    "pillow": {"size": (13, 3), "mode": "hamming", "like": "pillow"},
    "matlab": {"scale": 0.7, "like": "matlab"},
    "tensorflow": {"size": (5, 30), "mode": "gaussian", "like": "tensorflow"},
    "onnx": {"size": (5, 9), "mode": "cubic", "like": "onnx"},
    "crop": {
        "size": (5, 9), "mode": "linear", "like": "onnx", "coordinates": "tf_crop_and_resize",
        "roi": [0.1, 0.2, 1.5, 0.9], "extrapolation": 7.0,
    },
    "torch": {"scale": (1.7, 0.6), "mode": "bicubic", "like": "torch", "align_corners": True},
    "torch, nearest": {"scale": 1.3, "mode": "nearest", "like": "torch"},
    "torch, antialiased": {"size": (3, 4), "mode": "bilinear", "like": "torch", "antialias": True},
    "torch, area": {"size": (3, 4), "mode": "area", "like": "torch"},
    "paddle": {"scale": 1.9, "mode": "linear", "like": "paddle"},
}  # fmt: skip


class Resizes(torch.nn.Module):
    def __init__(self, names=tuple(RESIZES)):
        super().__init__()
        self.names = names

    def forward(self, x):
        return [ops.resize(x, axes=(2, 3), **RESIZES[name]) for name in self.names]


@pytest.mark.slow
def test_resizes_of_free_sizes_are_those_of_known_ones():
    x = torch.rand(2, 3, 8, 9)
    spec = {0: torch.export.Dim("n"), 2: torch.export.Dim("h", min=5), 3: torch.export.Dim("w", min=5)}
    program = torch.export.export(Resizes(), (x,), dynamic_shapes={"x": spec}).module()
    for shape in ((2, 3, 8, 9), (1, 3, 30, 11), (3, 3, 5, 40)):
        x = torch.rand(shape)
        for name, y, expected in zip(RESIZES, program(x), Resizes()(x), strict=True):
            torch.testing.assert_close(y, expected, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.slow
def test_gradients_of_free_sizes():
    resizes = Resizes(("cubic", "antialiased"))
    run = torch.compile(resizes, fullgraph=True, backend="aot_eager", dynamic=True)
    ours = torch.rand(2, 3, 8, 9).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    sum(y.square().sum() for y in run(ours)).backward()
    sum(y.square().sum() for y in resizes(theirs)).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def exported(run, *given, free=(2,)):
    class Module(torch.nn.Module):
        def forward(self, *v):
            return run(*v)

    sizes = {axis: torch.export.Dim(f"size{axis}") for axis in free}
    return torch.export.export(Module(), given, dynamic_shapes=((sizes,) * len(given),))


@pytest.mark.parametrize(
    ("run", "dtype", "text"),
    [
        (lambda x: ops.resize(x, (5, 9), axes=(2, 3)), torch.uint8, "is free; integers need known sizes, floats and"),
        (lambda x: ops.resize(x, scale=2, axes=(2, 3), transfer="srgb"), torch.uint8, "'srgb' needs known sizes"),
        (lambda x: ops.resize(x, scale=2, axes=(2, 3), like="onnx"), torch.float32, "like='onnx' multiplies in single"),
        (
            lambda x: ops.resize(x, (5, 9), axes=(2, 3), keep_aspect="not_larger"),
            torch.float32,
            "keep_aspect='not_larger' needs known sizes",
        ),
        (lambda x: ops.max_pool(x, 2), torch.int32, "integers need a known one, floats do not"),
        (lambda x: ops.conv(x, x[:, :, :2, :2]), torch.int32, "NumPy sums integers, so torch.compile"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(run, dtype, text):
    with pytest.raises(Unsupported) as caught:
        exported(run, torch.ones(1, 3, 8, 8, dtype=dtype))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_conversions_that_look_at_values():
    weight, bias = torch.rand(4, 2, 2, 2), torch.ones(4)
    for run, text in (
        (lambda w, b: ops.subpixel_to_conv_transpose(w, 2, kernel=3).weight, "whether the taps beyond it are zero"),
        (lambda w, b: ops.subpixel_to_conv_transpose(w, 2, b).weight, "whether the bias is equal for all phases"),
    ):
        with pytest.raises(Unsupported, match=text):
            torch.vmap(run)(weight[None], bias[None])
    # Where values can be read, they are.
    torch.func.grad(lambda w: ops.subpixel_to_conv_transpose(w, 2, bias).weight.sum())(weight)


def test_positions_outside_stay_an_error_without_a_look_at_them():
    values, where = torch.ones(1, 2, 2, 2), torch.tensor([[[[0, 2], [8, 10]], [[0, 2], [8, 16]]]])
    with pytest.raises(InvalidArgument, match="must be from 0 to 15"):
        ops.max_unpool(values, where, 2)
    for plane in (0, 1):
        with pytest.raises((RuntimeError, IndexError)):
            torch.vmap(lambda v, p: ops.max_unpool(v, p, 2))(values[None], where[None].roll(plane, 2))


def test_an_error_of_an_argument_is_in_that_of_the_compiler():
    run = torch.compile(lambda x: ops.pixel_shuffle(x, 2), fullgraph=True, backend="eager")
    with pytest.raises(Exception, match="a multiple of 4 channels is needed"):
        run(torch.zeros(1, 3, 4, 4))


@pytest.mark.slow
def test_compiling_does_not_depend_on_the_order_of_imports():
    code = (
        "import subpixel.ops as ops, sys; assert 'torch' not in sys.modules; import torch\n"
        "run = torch.compile(lambda x: ops.upsample_nearest(x, scale=2), fullgraph=True, backend='eager')\n"
        "assert run(torch.ones(1, 1, 2, 2)).shape == (1, 1, 4, 4)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_names_every_exception():
    section = PAGE[PAGE.index("| operator | compile |") :]
    for word in ("keep_aspect", "transfer", 'like="onnx"', "integers", "subpixel.ops.resizing.free_sizes"):
        assert re.search(re.escape(word), section), word

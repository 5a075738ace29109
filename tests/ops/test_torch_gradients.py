"""Values and gradients of every operator that torch has too, for many random arguments; the core's own gradients.

Floats on torch tensors are mostly worked on by torch's own kernels; what stands around them (layouts, uneven paddings,
crops, permutations) is the core's, and a wrong axis there would show in a gradient first.
"""

import pytest
import torch
from torch.nn import functional as F

from ops.layouts import FIRST, LAYOUTS, to_layout
from subpixel import ops

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
UNPOOL = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}
COUNT = {1: 120, 2: 120, 3: 50}


@pytest.fixture(autouse=True)
def one_thread():
    """Thousands of tiny tensors: handing them to other threads costs more than the sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ints(rng, low, high, count):
    return tuple(int(n) for n in rng.integers(low, high, count))


def normal(rng, *shape):
    return torch.from_numpy(rng.standard_normal(shape))


def last_of(dims):
    return LAYOUTS[dims][1]


def first(y, dims):
    """Channels last brought to channels first, by torch alone."""
    return y.permute(0, dims + 1, *range(1, dims + 1))


def assert_same(rng, ours, theirs, *inputs):
    """Two functions give the same values and, for a random weight of each, the same gradients of all inputs."""
    leaves = [[x.clone().requires_grad_() for x in inputs] for _ in range(2)]
    results = [function(*own) for function, own in zip((ours, theirs), leaves, strict=True)]
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-11)
    weight = normal(rng, *results[1].shape)
    for result in results:
        (result * weight).sum().backward()
    for a, b in zip(*leaves, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("inverse", [False, True])
def test_pixel_shuffle(rng, inverse):
    for _ in range(200):
        r, n, c, h, w = (int(k) for k in rng.integers(1, (6, 4, 4, 6, 6)))
        x = normal(rng, n, c, h * r, w * r) if inverse else normal(rng, n, c * r * r, h, w)
        ours, theirs = (ops.pixel_unshuffle, F.pixel_unshuffle) if inverse else (ops.pixel_shuffle, F.pixel_shuffle)
        assert_same(rng, lambda v, f=ours, r=r: f(v, r), lambda v, f=theirs, r=r: f(v, r), x)
        # DCR is CRD after the channels have changed places; also channels last.
        name = ops.space_to_depth if inverse else ops.depth_to_space
        places = torch.arange(c * r * r).reshape(r * r, c).T.ravel()

        def dcr(v, f=theirs, r=r, places=places):
            return f(v, r)[:, places.argsort()] if inverse else f(v[:, places], r)

        assert_same(rng, lambda v, f=name, r=r: f(v, r), dcr, x)
        assert_same(rng, lambda v, f=name, r=r: first(f(v.permute(0, 2, 3, 1), r, layout="NHWC"), 2), dcr, x)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_convolutions(rng, dims, transposed):
    done, own = 0, ops.conv_transpose if transposed else ops.conv
    while done < COUNT[dims]:
        groups, stride, dilation = int(rng.integers(1, 4)), ints(rng, 1, 4, dims), ints(rng, 1, 3, dims)
        cin, cout, kernel = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3)), ints(rng, 1, 4, dims)
        padding = ints(rng, 0, 3, dims)
        x, bias = normal(rng, 2, cin, *ints(rng, 3, 7, dims)), normal(rng, cout)
        shape = (cin, cout // groups) if transposed else (cout, cin // groups)
        weight = normal(rng, *shape, *kernel)
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        run = (TRANSPOSE if transposed else CONV)[dims]
        if transposed:
            pairs = list(zip(stride, dilation, strict=True))
            how["output_padding"] = tuple(int(rng.integers(0, max(pair))) for pair in pairs)
        try:
            wanted = run(x, weight, bias, **how)
        except RuntimeError:
            continue  # nothing is left of so small an input; test_conv holds that we refuse it too
        if 0 in wanted.shape:
            continue
        assert_same(
            rng,
            lambda *v, h=how: own(*v, layout=FIRST[dims], **h),
            lambda *v, h=how, f=run: f(*v, **h),
            x,
            weight,
            bias,
        )
        uneven = how | {"padding": [(p, p + 1) for p in padding]}
        if transposed:
            if min(wanted.shape[2:]) == 1:
                continue
            cut = (..., *[slice(0, -1)] * dims)
            theirs = lambda *v, h=how, f=run: f(*v, **h)[cut]  # noqa: B023, E731
        else:
            # torch pads both ends alike: one zero more behind comes first.
            theirs = lambda v, *o, h=how, f=run: f(F.pad(v, (0, 1) * dims), *o, **h)  # noqa: E731
        assert_same(
            rng,
            lambda v, *o, h=uneven: first(own(channels_last(v, dims), *o, layout=last_of(dims), **h), dims),
            theirs, x, weight, bias,
        )  # fmt: skip
        done += 1


def channels_last(v, dims):
    return v.permute(0, *range(2, dims + 2), 1)


def test_subpixel_convolution(rng):
    for _ in range(100):
        r, c, cin, k, pad = (int(n) for n in rng.integers(1, (5, 4, 4, 4, 3)))
        x, weight, bias = normal(rng, 2, cin, *ints(rng, 4, 8, 2)), normal(rng, c * r * r, cin, k, k), None
        bias = normal(rng, c * r * r)
        stride = int(rng.integers(1, 3))

        def theirs(*v, r=r, pad=pad, stride=stride):
            return F.pixel_shuffle(F.conv2d(*v, padding=pad, stride=stride), r)

        def ours(*v, r=r, pad=pad, stride=stride):
            return ops.subpixel_conv(*v, r, padding=pad, stride=stride)

        assert_same(rng, ours, theirs, x, weight, bias)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_converted_layer_learns_what_the_transposed_convolution_learns(rng, dims):
    """The gradient goes through the conversion to the transposed convolution's own weight."""
    done = 0
    while done < COUNT[dims] // 2:
        stride, kernel, padding = ints(rng, 1, 4, dims), ints(rng, 1, 6, dims), ints(rng, 0, 3, dims)
        x, weight, bias = normal(rng, 1, 2, *ints(rng, 2, 5, dims)), normal(rng, 2, 3, *kernel), normal(rng, 3)
        extra = tuple(int(rng.integers(0, s)) for s in stride)
        how = {"stride": stride, "padding": padding, "output_padding": extra}
        try:
            if 0 in TRANSPOSE[dims](x, weight, bias, **how).shape:
                continue
        except RuntimeError:
            continue

        def ours(x, weight, bias, how=how):
            form = ops.conv_transpose_to_subpixel(weight, bias, **how)
            return ops.subpixel_conv(
                x, form.weight, form.bias, form.r, padding=form.padding, crop=form.crop, layout=FIRST[dims]
            )

        assert_same(rng, ours, lambda *v, h=how: TRANSPOSE[dims](*v, **h), x, weight, bias)
        done += 1


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_pooling_and_unpooling(rng, dims):
    for _ in range(COUNT[dims]):
        kernel = ints(rng, 1, 4, dims)
        stride = tuple(k + int(rng.integers(0, 2)) for k in kernel)  # no overlap: torch's unpooling is then defined
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
        x = normal(rng, 2, 2, *ints(rng, 4, 9, dims))
        how = {"stride": stride, "padding": padding, "ceil_mode": bool(rng.random() < 0.5)}
        layout = last_of(dims)

        def ours(v, kernel=kernel, how=how, layout=layout):
            return first(ops.max_pool(channels_last(v, dims), kernel, layout=layout, **how), dims)

        assert_same(rng, ours, lambda v, k=kernel, h=how: POOL[dims](v, k, **h), x)
        values, where = POOL[dims](x, kernel, return_indices=True, **how)
        if how["ceil_mode"]:
            continue  # positions beyond the size that follows from kernel and stride
        size = {"output_size": tuple(x.shape[2:])}
        if any(abs((v - 1) * s + k - 2 * p - n) >= s for v, s, k, p, n in zip(
            values.shape[2:], stride, kernel, padding, x.shape[2:], strict=True
        )):  # fmt: skip
            continue
        given = {"stride": stride, "padding": padding}
        assert_same(
            rng,
            lambda v, w=where, k=kernel, g=given, s=size: ops.max_unpool(v, w, k, layout=FIRST[dims], **g, **s),
            lambda v, w=where, k=kernel, g=given, s=size: UNPOOL[dims](v, w, k, **g, **s),
            values,
        )


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_average_unpooling(rng, dims):
    for _ in range(60):
        factors, x = ints(rng, 1, 5, dims), normal(rng, 2, 2, *ints(rng, 1, 6, dims))

        def theirs(v, factors=factors):
            for axis, factor in enumerate(factors, start=2):
                v = v.repeat_interleave(factor, axis)
            return v

        assert_same(rng, lambda v, f=factors: ops.average_unpool(v, f, layout=FIRST[dims]), theirs, x)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_grid_sampling(rng, mode, padding_mode):
    for turn in range(60):
        dims = 2 if mode == "bicubic" else 2 + turn % 2
        x = normal(rng, 2, 2, *ints(rng, 1, 6, dims))
        grid = torch.from_numpy(rng.uniform(-2, 2, (2, *ints(rng, 1, 5, dims), dims)))
        align, layout = bool(rng.random() < 0.5), LAYOUTS[dims][turn // 2 % 2]

        def ours(v, g, align=align, layout=layout, dims=dims):
            if layout == FIRST[dims]:
                return ops.grid_sample(v, g, mode, padding_mode, align, layout=layout)
            return first(ops.grid_sample(channels_last(v, dims), g, mode, padding_mode, align, layout=layout), dims)

        def theirs(v, g, align=align):
            return F.grid_sample(v, g, mode, padding_mode, align)

        if mode == "nearest":
            assert_same(rng, lambda v, g=grid, f=ours: f(v, g), lambda v, g=grid, f=theirs: f(v, g), x)
        else:
            assert_same(rng, ours, theirs, x, grid)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")  # torch about its own past
def test_affine_grids(rng):
    for turn in range(120):
        dims = 2 + turn % 2
        theta, size = normal(rng, 2, dims, dims + 1), (2, 1, *ints(rng, 1, 6, dims))
        align = bool(rng.random() < 0.5)
        assert_same(
            rng,
            lambda t, s=size, a=align: ops.affine_grid(t, s, a),
            lambda t, s=size, a=align: F.affine_grid(t, list(s), a),
            theta,
        )


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_warping_is_sampling_at_displaced_positions(rng, mode, padding_mode):
    for _ in range(40):
        x = normal(rng, 2, 2, *ints(rng, 1, 7, 2))
        flow = torch.from_numpy(rng.uniform(-4, 4, (2, 2, *x.shape[2:])))

        def theirs(v, f):
            h, w = v.shape[2:]
            rows, columns = torch.meshgrid(torch.arange(h).double(), torch.arange(w).double(), indexing="ij")
            places = [(2 * (columns + f[:, 0]) + 1) / w - 1, (2 * (rows + f[:, 1]) + 1) / h - 1]
            return F.grid_sample(v, torch.stack(places, -1), mode, padding_mode, align_corners=False)

        assert_same(rng, lambda v, f: ops.warp(v, f, mode=mode, padding_mode=padding_mode), theirs, x, flow)


def test_laid_here_is_laid_there(rng):
    x = normal(rng, 2, 3, 4, 5)
    assert torch.equal(channels_last(x, 2), to_layout(x, "NHWC"))
    assert torch.equal(first(channels_last(x, 2), 2), x)

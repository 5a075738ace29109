import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subpixel.errors import SpecError, SubpixelError
from subpixel.models import bicubic, espcn
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize, Spec

A = Conv("a", INPUT, 1, 4, (3, 3), "relu")
UP = PixelShuffle("up", "a", 2)
T = ConvTranspose("t", INPUT, 1, 1, (9, 9), 2, (4, 4))


@pytest.mark.parametrize(
    ("layers", "fragment"),
    [
        ((replace(A, in_channels=2), UP), "layer 'a': in_channels=2, but 'input' has 1 channels"),
        ((replace(A, in_channels=0), UP), "layer 'a': in_channels=0: an integer from 1 to 65536"),
        ((replace(A, out_channels=65537), UP), "layer 'a': out_channels=65537: an integer"),
        ((replace(A, out_channels=True), UP), "layer 'a': out_channels=True: an integer"),
        ((replace(A, out_channels=4.0), UP), "layer 'a': out_channels=4.0: an integer"),
        ((replace(A, out_channels=5), UP), "layer 'up': 'a' has 5 channels; a multiple of 4 is needed for factor 2"),
        ((replace(A, kernel=(2, 3)), UP), "layer 'a': kernel=(2, 3): odd sides are needed"),
        ((replace(A, kernel=(65, 3)), UP), "layer 'a': kernel=65: an integer from 1 to 63"),
        ((replace(A, kernel=(3, -1)), UP), "layer 'a': kernel=-1: an integer"),
        ((replace(A, kernel=3), UP), "layer 'a': kernel=3: (height, width) is needed"),
        ((replace(A, kernel=(3, 3, 3)), UP), "layer 'a': kernel=(3, 3, 3): (height, width) is needed"),
        (
            (replace(A, activation="gelu"), UP),
            "layer 'a': unknown activation 'gelu'. Did you mean 'relu'? Choices: none,",
        ),
        ((replace(A, bias=1), UP), "layer 'a': bias=1: true or false is needed"),
        ((replace(A, source="up"), UP), "layer 'a' reads 'up'; the name of an input or of an earlier layer is needed"),
        ((replace(A, source="a"), UP), "layer 'a' reads 'a'; the name of an input or of an earlier layer is needed"),
        ((replace(A, source=None), UP), "layer 'a' reads None; the name of an input or of an earlier layer is needed"),
        ((A, replace(UP, name="a")), "layer 'a': an earlier layer or input has that name"),
        ((replace(A, name=INPUT), UP), "layer 'input': an earlier layer or input has that name"),
        ((replace(A, name=""), UP), "layer name '': a text of 1 to 100 characters"),
        ((replace(A, name="x" * 101), UP), "a text of 1 to 100 characters"),
        ((A, replace(UP, factor=0)), "layer 'up': factor=0: an integer from 1 to 64"),
        ((A, replace(UP, factor=2**31 - 1)), "layer 'up': factor=2147483647: an integer from 1 to 64"),
        ((A, replace(UP, order="crd")), "layer 'up': unknown order 'crd'. Did you mean 'CRD'? Choices: CRD, DCR."),
        ((A, replace(UP, factor=1)), "layer 'up': the result is ×1, but the network has scale=2"),
        ((replace(A, out_channels=8), UP), "layer 'up': the result has 2 channels; colour 'luma' needs 1"),
        ((Resize("r", INPUT, 2, "area"),), "layer 'r': unknown mode 'area'. Choices: nearest, linear, cubic."),
        ((Resize("r", INPUT, 0),), "layer 'r': factor=0: an integer from 1 to 64"),
        ((Resize("r", INPUT, 32), Resize("q", "r", 4)), "layer 'q': ×128 is above ×64"),
        ((A, UP, Add("s", ("up",))), "layer 's': sources=('up',): two or more names are needed"),
        ((A, UP, Add("s", "up")), "layer 's': sources='up': two or more names are needed"),
        ((A, UP, Add("s", ("up", INPUT))), "layer 's': 'input' is ×1 and 'up' is ×2; equal scales are needed"),
        ((A, Add("s", ("a", INPUT)), UP), "layer 's': 'input' has 1 channels and 'a' has 4; equal numbers are needed"),
        ((A, UP, Concat("s", ("up", INPUT))), "layer 's': 'input' is ×1 and 'up' is ×2; equal scales are needed"),
        (
            (A, UP, Add("s", ("up", ["up"]))),
            "layer 's' reads ['up']; the name of an input",
        ),
        (
            (replace(A, out_channels=65536), Concat("s", ("a", "a")), UP),
            "layer 's': channels=131072: an integer from 1 to 65536",
        ),
        ((Conv("dead", INPUT, 1, 1, (9, 9)), A, UP), "layer 'dead': no later layer reads it"),
        ((A, UP, replace(A, name="late"), replace(UP, name="end")), "layer 'late': no later layer reads it"),
        ((replace(T, stride=0),), "layer 't': stride=0: an integer from 1 to 64"),
        ((replace(T, stride=3),), "layer 't': the result is ×3, but the network has scale=2"),
        ((replace(T, padding=(9, 4)),), "layer 't': padding=9: an integer from 0 to 8"),
        ((replace(T, padding=(4, -1)),), "layer 't': padding=-1: an integer from 0 to 8"),
        ((replace(T, padding=4),), "layer 't': padding=4: (vertical, horizontal) is needed"),
        ((replace(T, kernel=(64, 9)),), "layer 't': kernel=64: an integer from 1 to 63"),
        ((replace(T, in_channels=2),), "layer 't': in_channels=2, but 'input' has 1 channels"),
        ((replace(T, out_channels=3),), "layer 't': the result has 3 channels; colour 'luma' needs 1"),
        ((), "the network has 0 layers; 1 to 4096 are needed"),
        (("conv",), "'conv' is not a layer"),
    ],
)
def test_every_error_names_the_layer(layers, fragment):
    with pytest.raises(SpecError) as caught:
        Spec(layers, 2)
    assert fragment in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, SubpixelError)


@pytest.mark.parametrize(
    ("keywords", "fragment"),
    [
        ({"scale": 0}, "scale=0: an integer from 1 to 64"),
        ({"scale": 65}, "scale=65: an integer from 1 to 64"),
        ({"scale": "2"}, "scale='2': an integer"),
        ({"colour": "yuv"}, "Unknown colour 'yuv'. Choices: luma, rgb."),
        ({"colour": "rgb"}, "layer 'a': in_channels=1, but 'input' has 3 channels"),
        ({"border": "reflect"}, "Unknown border 'reflect'. Did you mean 'replicate'? Choices: replicate, zero."),
    ],
)
def test_errors_of_the_whole_network(keywords, fragment):
    with pytest.raises(SpecError) as caught:
        Spec((A, UP), **{"scale": 2, **keywords})
    assert fragment in str(caught.value)


@pytest.mark.parametrize(("scale", "parameters"), [(2, 21284), (3, 22729), (4, 24752)])
def test_espcn_is_as_large_as_published(scale, parameters):
    spec = espcn(scale)
    assert spec.parameters == parameters
    assert (spec.halo, spec.receptive_field) == (4, 9)
    # 25·64 + 9·64·32 + 9·32·r²: no more than the weights, each used once for every low-resolution pixel
    assert spec.macs_per_pixel == 1600 + 18432 + 288 * scale**2


def test_espcn_x3_costs_22624():
    assert espcn(3).macs_per_pixel == 22624


def test_bicubic_weighs_nothing_and_reaches_two():
    spec = bicubic(4)
    assert (spec.parameters, spec.macs_per_pixel, spec.halo, spec.receptive_field) == (0, 0, 2, 5)


@pytest.mark.parametrize("border", ["replicate", "zero"])
@pytest.mark.parametrize(
    ("scale", "layers", "halo", "macs", "parameters"),
    [
        (2, (A, UP), 1, 36, 40),
        # After the shuffle a sample is a quarter of a pixel: 4 times the work, half the reach, rounded up.
        (2, (A, UP, Conv("b", "up", 1, 1, (3, 3))), 2, 36 + 4 * 9, 40 + 10),
        (2, (A, UP, Conv("b", "up", 1, 1, (5, 5))), 2, 36 + 4 * 25, 40 + 26),
        (2, (A, UP, Conv("b", "up", 1, 1, (7, 7), "prelu", False)), 3, 36 + 4 * 49, 40 + 50),
        (1, (Conv("a", INPUT, 1, 1, (1, 9)), Conv("b", "a", 1, 1, (3, 1))), 5, 12, 14),
        (1, (Conv("a", INPUT, 1, 1, (7, 7)), Add("s", ("a", INPUT))), 3, 49, 50),
        (1, (Conv("a", INPUT, 1, 2, (3, 3)), Concat("j", ("a", INPUT)), Conv("b", "j", 3, 1, (3, 3))), 2, 45, 48),
        (3, (Conv("a", INPUT, 1, 1, (3, 3)), Resize("r", "a", 3, "cubic")), 3, 9, 10),
        (3, (Resize("r", INPUT, 3, "linear"), Conv("b", "r", 1, 1, (3, 3))), 2, 81, 10),
        (2, (Resize("r", INPUT, 2, "nearest"),), 0, 0, 0),
        # 4 samples of the result before, that is 2 of the input; and 3 after.
        (2, (T,), 2, 81, 82),
        (3, (ConvTranspose("t", INPUT, 1, 1, (3, 3), 3, (0, 0)),), 0, 9, 10),
        # The result 2 before 0 is made of the sample before; its kernel ends 5 after the first.
        (2, (ConvTranspose("t", INPUT, 1, 1, (7, 1), 2, (0, 0), False),), 3, 7, 7),
        (2, (T, Conv("b", "t", 1, 1, (3, 3))), 3, 81 + 4 * 9, 82 + 10),
    ],
)
def test_reach_and_work_follow_from_the_graph(scale, layers, halo, macs, parameters, border):
    spec = Spec(layers, scale, "luma", border)
    assert (spec.halo, spec.receptive_field) == (halo, 2 * halo + 1)
    assert (spec.macs_per_pixel, spec.parameters) == (macs, parameters)


def test_weight_shapes():
    spec = Spec((Conv("a", INPUT, 1, 2, (1, 3), "prelu"), Conv("b", "a", 2, 1, (1, 1), bias=False)), 1)
    assert spec.weight_shapes == {"a.weight": (2, 1, 1, 3), "a.bias": (2,), "a.slope": (2,), "b.weight": (1, 2, 1, 1)}


EVERY_KIND = Spec(
    (
        Conv("a", INPUT, 3, 12, (1, 3), "prelu", False),
        PixelShuffle("u", "a", 2, "DCR"),
        Resize("r", INPUT, 2, "cubic"),
        Add("s", ("u", "r")),
        Concat("c", ("s", "u")),
        Conv("ünïcode \N{SNOWMAN}", "c", 6, 3, (63, 1), "clip"),
        ConvTranspose("t", "ünïcode \N{SNOWMAN}", 3, 3, (9, 4), 2, (4, 1), False),
    ),
    4,
    "rgb",
    "zero",
)


@pytest.mark.parametrize("spec", [EVERY_KIND, espcn(3), espcn(8, colour="rgb"), bicubic(2)])
def test_json_gives_the_same_network_back(spec):
    text = spec.to_json()
    again = Spec.from_json(text)
    assert again == spec
    assert again.to_json() == text
    assert "\n" not in text


def test_layers_may_be_a_list():
    assert Spec([A, UP], 2) == Spec((A, UP), 2)
    assert hash(Spec([A, UP], 2)) == hash(Spec((A, UP), 2))


HEAD = '{"border":"zero","colour":"luma","scale":2,"layers":'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "null",
        "2",
        "[]",
        '"text"',
        "{}",
        HEAD + "[]}",
        HEAD + "{}}",
        HEAD + "null}",
        HEAD + '"abc"}',
        HEAD + "[null]}",
        HEAD + "[[]]}",
        HEAD + '[{"kind":[]}]}',
        HEAD + '[{"kind":"dense"}]}',
        HEAD + '[{"kind":"conv"}]}',
        HEAD + '[{"kind":"resize","name":"r","source":"input","factor":2,"mode":"cubic","more":1}]}',
        HEAD + '[{"kind":"resize","name":"r","source":"input","factor":2}]}',
        HEAD + '[{"kind":"resize","name":"r","source":"input","factor":1e400,"mode":"cubic"}]}',
        HEAD + '[{"kind":"resize","name":"r","source":"input","factor":NaN,"mode":"cubic"}]}',
        HEAD + '[{"kind":"resize","name":"r","source":"input","factor":' + "9" * 5000 + ',"mode":"cubic"}]}',
        HEAD + '[{"kind":"resize","name":"\\ud800","source":"\\udfff","factor":2,"mode":"cubic"}]}',
        HEAD + ",".join(["["] + ["{}"] * 5000) + "]}",
        HEAD + "[]",
        HEAD + '[],"extra":1}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 900 + "]" * 900,
        HEAD + "[" * 500 + "]" * 500 + "}",
        '{"scale":' + "[" * 900 + "]" * 900 + ',"colour":"luma","border":"zero","layers":[]}',
        "\x00",
        "\ufeff{}",
    ],
)
def test_hostile_text(text):
    with pytest.raises(SpecError):
        Spec.from_json(text)


def test_too_many_layers():
    layer = '{"kind":"resize","name":"%d","source":"%s","factor":1,"mode":"nearest"}'
    layers = [layer % (k, k - 1 if k else INPUT) for k in range(4097)]
    assert Spec.from_json(f'{{"border":"zero","colour":"luma","scale":1,"layers":[{",".join(layers[:4096])}]}}')
    with pytest.raises(SpecError, match="the network has 4097 layers; 1 to 4096 are needed"):
        Spec.from_json(f'{{"border":"zero","colour":"luma","scale":1,"layers":[{",".join(layers)}]}}')


WRONG = [
    "",
    "x",
    1.5,
    -1,
    0,
    True,
    None,
    [],
    [1],
    ["a", "u"],
    {},
    {"a": 1},
    2**31 - 1,
    10**300,
    1e308,
    [[[]]],
    [3, 3.0],
]


def fields(document):
    """Every field of a description: the whole's, and each layer's."""
    yield from ((document, key) for key in document)
    for layer in document["layers"]:
        yield from ((layer, key) for key in layer)


def test_wrong_types_in_every_field():
    count = sum(1 for _ in fields(json.loads(EVERY_KIND.to_json())))
    assert count > 30
    for number in range(count):
        for value in WRONG:
            document = json.loads(EVERY_KIND.to_json())
            holder, key = list(fields(document))[number]
            if value is holder[key] or (key == "bias" and value is True) or (key == "name" and value == "x"):
                continue
            holder[key] = value
            with pytest.raises(SpecError):
                Spec.from_json(json.dumps(document))


def test_missing_and_unknown_fields():
    count = sum(1 for _ in fields(json.loads(EVERY_KIND.to_json())))
    for number in range(count):
        document = json.loads(EVERY_KIND.to_json())
        holder, key = list(fields(document))[number]
        holder[key + "x"] = holder.pop(key)
        with pytest.raises(SpecError, match=rf"{key}x|unknown kind None"):
            Spec.from_json(json.dumps(document))


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "u", "input", "conv", "luma", "CRD"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 10**6), ANY_JSON, st.integers(0, 10**6), ANY_JSON)
def test_two_random_changes_give_a_network_or_a_spec_error(one, first, two, second):
    document = json.loads(EVERY_KIND.to_json())
    spots = list(fields(document))
    for number, value in ((one, first), (two, second)):
        holder, key = spots[number % len(spots)]
        holder[key] = value
    try:
        spec = Spec.from_json(json.dumps(document))
    except SpecError:
        return
    assert Spec.from_json(spec.to_json()) == spec


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=200) | st.integers(0, 1000).map(lambda k: EVERY_KIND.to_json()[:k]))
def test_random_text_is_refused(text):
    if text != EVERY_KIND.to_json():
        with pytest.raises(SpecError):
            Spec.from_json(text)

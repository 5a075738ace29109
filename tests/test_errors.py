"""The text of the errors about unknown names, and the parents of every error."""

import pytest

from subpixel import errors
from subpixel.errors import InvalidArgument, SpecError, SubpixelError, unknown


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("fats", "Unknown model 'fats'. Did you mean 'fast'? Choices: fast, High."),
        ("HIGH", "Unknown model 'HIGH'. Did you mean 'High'? Choices: fast, High."),
        ("zebra", "Unknown model 'zebra'. Choices: fast, High."),
        ("", "Unknown model ''. Choices: fast, High."),
        (None, "Unknown model None. Choices: fast, High."),
        (["fast"], "Unknown model ['fast']. Choices: fast, High."),
    ],
)
def test_the_text_of_an_unknown_name(given, text):
    error = unknown("model", given, ("fast", "High"))
    assert type(error) is InvalidArgument
    assert str(error) == text


def test_a_hint_replaces_the_choices_and_where_comes_first():
    error = unknown("model", "fats", iter(["fast"]), "See `subpixel models`.", where="layer 'a'", error=SpecError)
    assert type(error) is SpecError
    assert str(error) == "layer 'a': unknown model 'fats'. Did you mean 'fast'? See `subpixel models`."


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name not in ("unknown", "FallbackWarning")])
def test_every_error_can_be_caught_as_one_of_ours(name):
    assert issubclass(getattr(errors, name), SubpixelError)

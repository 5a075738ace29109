"""What many tests start from."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20160919)


@pytest.fixture(scope="session")
def data_dir():
    """The folder of test pictures beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the test pictures (../shared/data beside the repository) are not here")
    return folder

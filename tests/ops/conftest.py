"""What tests of operators start from."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """For thousands of tiny tensors: handing them to other threads costs torch more than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)

"""The orthogonalised update."""

from __future__ import annotations

import pytest
import torch

from subpixel.train.optim import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (4, 50), (50, 4), (64, 25), (1, 9), (9, 1), (32, 576)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_singular_values_are_brought_near_one(shape: tuple[int, int], size: float) -> None:
    matrix = size * torch.randn(shape, generator=torch.Generator().manual_seed(1))
    result = orthogonalise(matrix)
    assert result.shape == matrix.shape
    values = torch.linalg.svdvals(result)
    # A square random matrix has singular values near zero, which five rounds lift but do not bring all the way.
    assert values.max() < 1.35
    assert values.median() > 0.6
    if shape[0] != shape[1]:
        assert values.min() > 0.5


def test_directions_are_kept() -> None:
    """The result is U V' of the singular value decomposition, approximately: same subspaces, same signs."""
    generator = torch.Generator().manual_seed(2)
    u, _ = torch.linalg.qr(torch.randn(12, 5, generator=generator))
    v, _ = torch.linalg.qr(torch.randn(30, 5, generator=generator))
    result = orthogonalise(u @ torch.diag(torch.tensor([5.0, 3.0, 1.0, 0.5, 0.3])) @ v.T)
    assert ((result @ v) * u).sum(0).min() > 0.6
    torch.testing.assert_close(u @ (u.T @ result), result, atol=1e-4, rtol=1e-4)


def test_nothing_stays_nothing() -> None:
    assert orthogonalise(torch.zeros(3, 7)).abs().max() == 0


def test_every_direction_learns_at_one_speed() -> None:
    """A loss a thousand times flatter in one direction: plain descent would leave that one where it is."""
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    steepness = torch.tensor([[1.0, 1.0], [1e-3, 1e-3]])
    optimiser = Muon([{"params": [weight]}], lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        (steepness * (weight - target) ** 2).sum().backward()
        optimiser.step()
    assert (weight.detach() - target).abs().max() < 0.25


def test_parameters_without_gradient_are_left() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 3))
    Muon([{"params": [weight]}], lr=1.0).step()
    assert (weight == 1).all()

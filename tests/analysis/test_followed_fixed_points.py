"""Fixed points along a row of maps, against those that are known in closed form."""

import math

import numpy as np
import pytest
import torch

from randomnet.analysis import continue_fixed_points, fixed_points, interpolate


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def linear(j, drive):
    return lambda h: h @ j.mT + drive, lambda h: j.expand(len(h), -1, -1)


def unit(x, w=2.0, a=0.3):
    """r <- (1-a) r + a tanh(w r + x): at rest where x = atanh(r) - w r, which folds at r = +- sqrt(1 - 1/w)."""
    step = lambda r: (1 - a) * r + a * torch.tanh(w * r + x)  # noqa: E731
    slope = lambda r: (1 - a + a * w * (1 - torch.tanh(w * r + x) ** 2)).unsqueeze(-1)  # noqa: E731
    return step, slope


FOLD = 2 * math.sqrt(0.5) - math.atanh(math.sqrt(0.5))  # of w = 2, at the inputs +- 0.533
STATES = torch.linspace(-1, 1, 21, dtype=torch.float64)[:, None]


def test_inputs_turn_into_the_next_in_equal_steps():
    ends = tensor([[0.0, 1.0], [1.0, -1.0], [1.0, 0.1]])
    rows = interpolate(ends, 4)
    assert rows.shape == (9, 2) and torch.equal(rows[::4], ends)
    torch.testing.assert_close(rows[1], tensor([0.25, 0.5]))
    torch.testing.assert_close(rows.diff(dim=0), (ends.diff(dim=0) / 4).repeat_interleave(4, 0))
    assert torch.equal(interpolate(ends[:1], 4), ends[:1])
    for bad in ((ends, 0), (ends[:0], 3), (ends[0], 3)):
        with pytest.raises(ValueError, match="expected ends"):
            interpolate(*bad)


def test_the_point_of_a_linear_network_moves_with_its_input():
    rng = np.random.default_rng(0)
    j, u = tensor(0.3 * rng.standard_normal((8, 8))), tensor(rng.standard_normal((8, 3)))
    inputs = interpolate(tensor(rng.standard_normal((3, 3))), 10)
    expected = torch.linalg.solve(torch.eye(8) - j, (inputs @ u.mT + 0.4).mT).mT
    around = tensor(rng.standard_normal((50, 8)))
    maps = [linear(j, u @ x + 0.4) for x in inputs]
    for known in ({0: around[:2]}, {20: around[:1]}, {7: around[:1], 12: around[1:2]}):
        found = continue_fixed_points(maps, known, around)
        assert [len(one.q) for one in found] == [1] * 21
        torch.testing.assert_close(torch.cat([one.points for one in found]), expected, rtol=0, atol=1e-9)
        modulus = float(torch.linalg.eigvals(j).abs().max())
        assert all(float(one.eigenvalues[0, 0].abs()) == pytest.approx(modulus) for one in found)


def test_a_branch_is_followed_to_where_it_vanishes():
    inputs = torch.linspace(0, 1, 11, dtype=torch.float64)
    known = fixed_points(*unit(0.0), STATES).points
    assert len(known) == 3
    found = continue_fixed_points([unit(x) for x in inputs], {0: known}, STATES)
    assert [len(one.q) for one in found] == [3 if x < FOLD else 1 for x in inputs] == [3] * 6 + [1] * 5
    for x, one in zip(inputs, found, strict=True):
        r = one.points[:, 0]
        torch.testing.assert_close(torch.atanh(r) - 2 * r, x.expand(len(r)), rtol=0, atol=1e-9)
        outside = r.abs() > math.sqrt(0.5)
        assert ((one.unstable == 0) == outside).all()
        torch.testing.assert_close(one.eigenvalues[:, 0].real, 0.7 + 0.6 * (1 - r**2), rtol=0, atol=1e-9)


def test_branches_of_both_ends_and_the_saddle_between_them_are_found():
    """Each end has one point; both go on to their folds, and with them appears the saddle, which neither end has."""
    inputs = torch.linspace(-1, 1, 21, dtype=torch.float64)
    maps = [unit(x) for x in inputs]
    found = continue_fixed_points(maps, {0: tensor([[-1.0]]), 20: tensor([[1.0]])}, STATES)
    assert [len(one.q) for one in found] == [3 if abs(x) < FOLD else 1 for x in inputs]
    alone = continue_fixed_points(maps, {0: tensor([[-1.0]])}, STATES)
    assert [len(one.q) for one in alone] == [1 if x < FOLD else 0 for x in inputs], "where it ends, it ends"


def test_maps_that_are_the_same_share_their_points():
    known = fixed_points(*unit(0.0), STATES).points
    maps = [unit(x) for x in (0.0, 1.0, 0.0)]
    apart = continue_fixed_points(maps, {2: known}, STATES)
    alike = continue_fixed_points(maps, {2: known}, STATES, identifiers=[4, 7, 4])
    assert [len(one.q) for one in apart] == [1, 1, 3] and [len(one.q) for one in alike] == [3, 1, 3]
    assert torch.equal(alike[0].points, alike[2].points)


def test_where_nothing_is_known_nothing_is_found():
    trainable = (lambda h: h + 1, lambda h: torch.eye(2, dtype=h.dtype).expand(len(h), -1, -1))
    around = tensor([[0.0, 1.0], [2.0, 0.0]])
    for known in ({}, {1: around[:0]}, {0: around}):
        for one in continue_fixed_points([trainable] * 3, known, around):
            assert one.points.shape == (0, 2) and one.eigenvalues.shape == (0, 2) and len(one.unstable) == 0


def test_what_is_one_point_is_told_by_the_states_around():
    """Points 2 a apart: two where states are as near to each other as that, one where they are far apart."""
    a = 1e-3
    step = lambda h: h - 0.1 * (h**2 - a**2) * h  # noqa: E731
    slope = lambda h: (1 - 0.1 * (3 * h**2 - a**2)).unsqueeze(-1)  # noqa: E731
    starts = tensor([[-a], [0.0], [a]])
    for width, points in ((0.01, 3), (100.0, 1)):
        found = fixed_points(step, slope, starts, tolerance=1e-30, around=width * STATES)
        assert len(found.q) == points
    assert len(fixed_points(step, slope, starts, tolerance=1e-30).q) == 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"around must have shape \(M, 1\), got \(3, 2\)"):
        fixed_points(*unit(0.0), STATES, around=torch.zeros(3, 2, dtype=torch.float64))
    for known, alike in (({0: STATES}, [1]), ({2: STATES}, None), ({-1: STATES}, None)):
        with pytest.raises(ValueError, match="expected 2 identifiers, one per map, and known points"):
            continue_fixed_points([unit(0.0)] * 2, known, STATES, identifiers=alike)


def test_the_same_is_found_again():
    inputs = torch.linspace(-1, 1, 9, dtype=torch.float64)
    twice = [continue_fixed_points([unit(x) for x in inputs], {4: STATES}, STATES) for _ in range(2)]
    for one, other in zip(*twice, strict=True):
        assert torch.equal(one.points, other.points) and torch.equal(one.eigenvalues, other.eigenvalues)

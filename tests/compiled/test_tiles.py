"""Products of rows in tiles are those of numpy for numbers of rows and columns that leave every kind of rest."""

import numpy as np
import pytest

tiles = pytest.importorskip("randomnet.compiled.tiles")


def test_products_in_tiles_are_those_of_numpy():
    rng = np.random.default_rng(1)
    for count, columns in ((1, 1), (2, 8), (3, 17), (4, 16), (5, 15), (6, 40), (7, 33), (9, 100), (11, 51)):
        x, y, factors = (rng.standard_normal(shape) for shape in ((count, columns), (count, columns), (count, count)))
        products, lower, upper = np.empty((count, count)), x.copy(), x.copy()
        tiles.upper_products(x, y, products)
        tiles.multiply_lower(np.tril(factors), lower)
        tiles.multiply_upper(np.tril(factors).T, upper)
        np.testing.assert_allclose(np.triu(products), np.triu(x @ y.T), atol=1e-13)
        np.testing.assert_allclose(lower, np.tril(factors) @ x, atol=1e-13)
        np.testing.assert_allclose(upper, np.tril(factors).T @ x, atol=1e-13)

"""Tests in folders named after the rooms of the package; what they share is in `support`."""

import pytest

pytest.register_assert_rewrite("tests.support")

"""Frames as the tests of transforms make them."""

from tests.unit.transforms.conftest import frame  # noqa: F401

"""The frame fixtures of the tests of transforms."""

from tests.unit.transforms.conftest import frame, rows_of  # noqa: F401

"""The fixtures `frame` and `rows_of` of the tests of transforms."""

from tests.unit.transforms.conftest import frame, rows_of  # noqa: F401

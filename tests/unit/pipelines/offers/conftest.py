"""The fixture `frame` of the tests of transforms."""

from tests.unit.transforms.conftest import frame  # noqa: F401

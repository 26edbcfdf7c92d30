"""The fixture that makes frames, shared with the tests of transforms."""

from tests.unit.transforms.conftest import frame  # noqa: F401

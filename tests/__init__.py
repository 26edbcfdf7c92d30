"""Regular package, because an installed package brings a `tests` of its own: `python -m tests.reference.build`."""

"""Pytest for the whole repository: notebooks are compared by the plugin in `tests/regression`."""

pytest_plugins = ["tests.regression.plugin", "pytester"]

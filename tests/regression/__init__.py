"""Regression of notebook outputs: a pytest plugin on nbval that compares numbers and figures with tolerance."""

"""Regression of notebook outputs: a pytest plugin that compares with tolerance."""

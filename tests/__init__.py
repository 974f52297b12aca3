"""Tests of the course: its package, the form of its notebooks, and the regression of their outputs."""

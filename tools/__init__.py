"""Tools that keep and check the course; run each as ``python -m tools.NAME`` from the repository's root."""

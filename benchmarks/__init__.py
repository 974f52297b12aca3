"""Speed of the helpers, measured beside peers: ``make bench``."""

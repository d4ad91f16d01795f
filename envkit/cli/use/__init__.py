"""Use a model: what ``envkit predict`` and ``envkit evaluate`` do once they are asked."""

"""Features shared by several metrics: what is computed once per clip."""

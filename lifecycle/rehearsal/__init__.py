"""A whole batch played from its summary table to its last closing, and what its log must show afterwards."""

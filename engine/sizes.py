"""Model sizes that decide how a run trains. Imports nothing: pages can know them at once."""

LARGEST_FULL = 500_000_000
"""Parameters up to which every weight is trained; above, low-rank adapters (rank 8)."""

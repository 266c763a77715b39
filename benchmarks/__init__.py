"""What conversion changes in speed and memory, as ratios: `python -m benchmarks` prints JSON."""

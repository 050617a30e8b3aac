"""Measurements of the product; each module runs by itself and writes benchmarks/results."""

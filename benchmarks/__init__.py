"""How fast Plumbline is, as ratios: `python -m benchmarks`; docs/benchmarks.md explains them."""

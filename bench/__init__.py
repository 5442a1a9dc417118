"""Benchmarks and soak runs anyone can run: `python -m bench.cycle`, `bench.soak`, `bench.demo`.

Each prints a table and, with `--write`, keeps it in docs/measured/.
"""

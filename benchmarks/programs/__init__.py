"""What runs in processes of its own; each is `python -m benchmarks.programs.NAME`."""

"""Programs that run in separate processes: `python -m benchmarks.programs.NAME`."""

"""The memory of a worker: all its processes together."""

from __future__ import annotations

import psutil

from benchmarks.processes import Running


def megabytes(worker: Running) -> dict[str, float]:
    """`rss` counts shared memory once for each process; `pss` divides it among them."""
    infos = [process.memory_full_info() for process in _tree(worker.process)]
    return {kind: sum(getattr(info, kind) for info in infos) / 2**20 for kind in ("rss", "pss")}


def _tree(parent: psutil.Process) -> list[psutil.Process]:
    return [parent, *parent.children(recursive=True)]

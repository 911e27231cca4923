"""A process that records parts, beside those that do the same."""

import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import pytest

from actions.imports.record_part import begin_process
from config.command_line import leave


@pytest.mark.worker
def test_it_ends_in_the_middle_of_a_part_when_it_is_told_to() -> None:
    before = signal.signal(signal.SIGTERM, leave)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("fork"), initializer=begin_process) as pool:
            part = pool.submit(signal.raise_signal, signal.SIGTERM)
            with pytest.raises(BrokenProcessPool):
                part.result(20)
    finally:
        signal.signal(signal.SIGTERM, before)

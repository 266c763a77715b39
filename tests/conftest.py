"""Before torch is imported anywhere: threads that wait sleep, as in a worker. Spinning ones make
the tests many times slower wherever the cores are shared."""

from __future__ import annotations

import os

from engine.runs.executors.local import PATIENT_THREADS

for name, value in PATIENT_THREADS.items():
    os.environ.setdefault(name, value)

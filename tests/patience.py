"""How long a test waits: what an idle machine does within a time, a busy one does later."""

import os


def patient_s(seconds: float) -> float:
    """`seconds`, and as much again for each process that waits for a core of this machine."""
    return seconds * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))

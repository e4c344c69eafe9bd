"""Memory of password hashing is returned to the system at once.

Each hash needs 19 MiB for a moment. Left alone, glibc learns from the first one to serve such blocks
from the heap of whichever thread asks, and keeps them there. After 300 hashes, measured: 400 MiB kept
by 20 threads, 40 MiB by two, none this way.
"""

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # malloc.h of glibc
LARGE_BYTES = 1024 * 1024


def give_large_blocks_back() -> bool:
    """Lets glibc map blocks of 1 MiB and more one by one, and unmap them when freed; whether it could.

    For the whole process. Other C libraries do so by themselves, or not at all.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_MMAP_THRESHOLD, LARGE_BYTES) == 1

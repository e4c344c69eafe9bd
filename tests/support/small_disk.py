"""A small file system that a test can fill."""

import errno
import os
import subprocess
from pathlib import Path
from types import TracebackType

PIECE = bytes(1 << 20)


class SmallDisk:
    """A file system in memory, mounted at `folder`; mounting one needs root."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self._ballast = folder / "ballast"
        self.is_mounted = False

    @staticmethod
    def is_possible(folder: Path) -> bool:
        """Whether one can be mounted here."""
        if os.geteuid() != 0:
            return False
        try:
            with SmallDisk(folder, 1):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False

    def __enter__(self) -> "SmallDisk":
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
        self.is_mounted = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_mounted = False
        subprocess.run(["umount", str(self.folder)], check=True, capture_output=True, timeout=10)

    def fill(self) -> None:
        """Writes until there is no space left for anybody."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(PIECE)
            except OSError as full:
                if full.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Frees the space."""
        self._ballast.unlink(missing_ok=True)

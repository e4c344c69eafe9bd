"""Letting PostgreSQL run for a user who is root: it refuses to be root itself.

The server then runs as the system's `postgres` account, or `nobody`. That account must be able to
pass through the folders above its files, which root's own folders often do not allow.
"""

import os
import pwd
import stat
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
PASS = stat.S_IXGRP | stat.S_IXOTH
READ = stat.S_IRGRP | stat.S_IROTH


def server_account(folder: Path) -> pwd.struct_passwd | None:
    """The account that shall own `folder` and run the server; None when we are not root.

    A folder that belongs to somebody already stays theirs.
    """
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid
    if owner != 0:
        return pwd.getpwuid(owner)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def open_the_way(path: Path, whole: bool = False) -> None:
    """Lets others pass through the folders above `path` (pass, not list).

    With `whole`, everything below `path` becomes readable too.
    """
    for parent in path.resolve().parents:
        _allow(parent, PASS)
    if whole:
        for folder, _folders, files in os.walk(path):
            _allow(Path(folder), PASS | READ)
            for name in files:
                file = Path(folder, name)
                _allow(file, READ | (PASS if file.stat().st_mode & stat.S_IXUSR else 0))


def _allow(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & wanted != wanted:
        path.chmod(mode | wanted)

"""A green process whose database takes connections and never says a word; prints what its callers hear.

Run by test_database.py in a process of its own, because patching cannot be undone.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

from chassis.storage.database import Db, make_engine  # noqa: E402
from kit.errors import Unavailable  # noqa: E402
from kit.settings import Settings  # noqa: E402

if __name__ == "__main__":
    listener = eventlet.listen(("127.0.0.1", 0))
    url = f"postgresql://nobody@127.0.0.1:{listener.getsockname()[1]}/nothing"
    db = Db(make_engine(Settings(database_url=url), "nothing"), time_limit_seconds=0.5)
    for work in (db.read, db.write):
        try:
            work(lambda connection: None)
        except Unavailable as error:
            print(error.code)  # noqa: T201
    sys.exit(0)

"""Style sheet, scripts and icon: served from memory under names that change with their content."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
PATH = "/static/"


@dataclass(frozen=True)
class Asset:
    """One file, as it is and compressed."""

    path: str
    media_type: str
    plain: bytes
    packed: bytes

    def answer(self, request: web.Request) -> web.Response:
        """The file, compressed where the browser takes that."""
        takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        if takes_gzip:
            headers["Content-Encoding"] = "gzip"
        body = self.packed if takes_gzip else self.plain
        return web.Response(body=body, content_type=self.media_type, charset="utf-8", headers=headers)


class Assets:
    """All files of `website/static`."""

    def __init__(self) -> None:
        self._by_name: dict[str, Asset] = {}
        for file in resources.files("website").joinpath("static").iterdir():
            stem, dot, ending = file.name.rpartition(".")
            if (media_type := TYPES.get(dot + ending)) is not None:
                content = file.read_bytes()
                path = f"{PATH}{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
                packed = gzip.compress(content, 9, mtime=0)
                self._by_name[file.name] = Asset(path, media_type, content, packed)
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Where pages find a file. Raises: KeyError."""
        return self._by_name[name].path

    def find(self, path: str) -> Asset | None:
        """The file under a path that pages were given; None for an old or unknown one."""
        return self._by_path.get(path)

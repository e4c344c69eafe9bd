"""Style sheet, scripts and icon: served from memory under paths that change with their content."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
IMMUTABLE = "public, max-age=31536000, immutable"
PATH = "/static/"


@dataclass(frozen=True)
class Asset:
    """One file, plain and compressed."""

    path: str
    media_type: str
    plain: bytes
    compressed: bytes

    def response(self, request: web.Request) -> web.Response:
        """Returns the file, compressed if the browser accepts that."""
        accepts_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}
        if accepts_gzip:
            headers["Content-Encoding"] = "gzip"
        body = self.compressed if accepts_gzip else self.plain
        return web.Response(body=body, content_type=self.media_type, charset="utf-8", headers=headers)


class Assets:
    """All files of `website/static`."""

    def __init__(self) -> None:
        self._by_name: dict[str, Asset] = {}
        for file in resources.files("website").joinpath("static").iterdir():
            stem, dot, extension = file.name.rpartition(".")
            if (media_type := TYPES.get(dot + extension)) is not None:
                content = file.read_bytes()
                path = f"{PATH}{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{extension}"
                compressed = gzip.compress(content, 9, mtime=0)
                self._by_name[file.name] = Asset(path, media_type, content, compressed)
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Returns the path under which a file is served. Raises: KeyError."""
        return self._by_name[name].path

    def find(self, path: str) -> Asset | None:
        """Returns the file served under a path; None for an outdated or unknown path."""
        return self._by_path.get(path)

"""Static files, read once at start: served with a strong ETag, and for a year under an address with their hash."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True)
class Asset:
    """One file."""

    body: bytes
    digest: str
    content_type: str


class Assets:
    """The static files of a site by address (``gateway/chapterhouse.css``, ``admin/…``)."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._assets: dict[str, Asset] = {}
        for prefix, folder in folders.items():
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    self._assets[f"{prefix}/{file.relative_to(folder).as_posix()}"] = self._read(file)

    @staticmethod
    def _read(file: Path) -> Asset:
        body = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        return Asset(body, hashlib.sha256(body).hexdigest()[:20], kind)

    def url(self, name: str) -> str:
        """The address of a file, with its hash. Raises KeyError for a file that is not there."""
        return f"/static/{name}?v={self._assets[name].digest}"

    def serve(self, request: Request, name: str) -> Response:
        """Answer a request for a file."""
        asset = self._assets.get(name)
        if asset is None:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        tag = f'"{asset.digest}"'
        lasting = request.query_params.get("v") == asset.digest
        headers = {
            "ETag": tag,
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, no-cache",
            "Content-Type": asset.content_type,
        }
        known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if tag in known:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers=headers)

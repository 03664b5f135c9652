"""A tiny antivirus signature database of today, so that ClamAV really runs in a lab without internet."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from datetime import datetime

# The MD5 and size of the EICAR test file, which every antivirus is to find and which harms nothing.
HASHES = "44d88612fea8a8f36de82e1278abb02f:68:Lab.Eicar\n"
_UNSIGNED = "x" * 32
_FUNCTIONALITY = 90  # any clamd since 0.101 loads it
_HEADER_BYTES = 512


def daily_database(made: datetime) -> bytes:
    """Return the lab's `daily.cud`, made at that time: ClamAV's container format, unsigned.

    512 bytes of header, then a gzipped tar: what sigtool(1) makes with --build --unsigned. clamd reports the
    version (1) and the time as those of its signatures.
    """
    hashes = HASHES.encode()
    info = f"{_header(_UNSIGNED, made)}\ndaily.hdb:{len(hashes)}:{hashlib.sha256(hashes).hexdigest()}\n"
    content = {"COPYING": b"The lab's own.\n", "daily.info": info.encode(), "daily.hdb": hashes}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    packed = gzip.compress(archive.getvalue())
    digest = hashlib.md5(packed, usedforsecurity=False).hexdigest()  # the format's own checksum
    return _header(digest, made).encode().ljust(_HEADER_BYTES) + packed


def _header(digest: str, made: datetime) -> str:
    day = f"{made.day:02d} {made:%b %Y %H-%M %z}"
    return f"ClamAV-VDB:{day}:1:1:{_FUNCTIONALITY}:{digest}:{_UNSIGNED}:lab:{int(made.timestamp())}"

"""A package of Office as the same bytes for the same parts, whenever and wherever it is written."""

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip archive can tell


def same_bytes(package: bytes, instead: Mapping[str, bytes] | None = None) -> bytes:
    """Return a package with its members in order, at one instant and not compressed: compressors differ.

    `instead`: members with other content, such as properties in which the library would write the time of day.
    """
    out = BytesIO()
    with ZipFile(BytesIO(package)) as given, ZipFile(out, "w", ZIP_STORED) as made:
        names = sorted(given.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            member = ZipInfo(name, BEGINNING)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            made.writestr(member, (instead or {}).get(name) or given.read(name))
    return out.getvalue()

"""The invented batch as workbooks: the same bytes for the same material."""

import re
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from lifecycle.imports import vocabulary
from lifecycle.invention.material import Material, first_material
from lifecycle.invention.projects import invent_projects, invent_quotas, invent_shortlist, invent_tasks
from lifecycle.workbook import LedgerRow, write_ledger, write_quotas, write_shortlist, write_tasks

_SAVED_AT = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def demonstration_files(material: Material | None = None) -> dict[str, bytes]:
    """Return the four workbooks by kind of import, in the order in which they are brought in.

    Every table says in its title, its note and its remarks that units, quotas and tasks are invented.
    """
    material = material or first_material()
    words, note, terms = material.words, material.words.remarks, vocabulary(material.policy)
    titles = {task.code: task.title for task in material.tasks}
    exempt = material.policy.rules.R14.exempt
    rows = [
        LedgerRow(
            application=project.application,
            task_title=titles[project.application.task_code],
            uses_quota=project.application.ownership not in exempt,
            code="",
            state_label="",
            version=0,
        )
        for project in invent_projects(material)
    ]
    files = {
        "tasks": write_tasks(invent_tasks(material), note, words.tasks),
        "quotas": write_quotas(invent_quotas(material), terms, note, words.quotas),
        "shortlist": write_shortlist(invent_shortlist(material), note, words.shortlist),
        "projects": write_ledger(rows, terms, note, words.projects),
    }
    return {kind: _undated(data) for kind, data in files.items()}


def _undated(data: bytes) -> bytes:
    """Return a workbook without the instant at which it was saved, which a file and each of its parts carry."""
    out = BytesIO()
    with ZipFile(BytesIO(data)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = _SAVED_AT.sub(rb"\g<1>2024-07-01T00:00:00Z", old.read(name))
            new.writestr(ZipInfo(name), part, ZIP_DEFLATED)
    return out.getvalue()

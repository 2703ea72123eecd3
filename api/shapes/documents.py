"""Shapes of documents: files linked to a subject, a stage and a kind, in versions."""

from api.shapes.parts import Label, Receipt, Shape


class Reference(Shape):
    """What an act takes to refer to a document."""

    id: str
    version: int
    sha256: str
    size: int


class Document(Shape):
    """A version of a document. `format` is told by the file's content; `name` is what its sender called it."""

    id: str
    version: int
    subject_kind: str
    subject_id: str
    stage: str
    stage_label: Label
    kind: str
    kind_label: Label
    name: str
    sha256: str
    size: int
    format: str
    by: str
    person: str | None
    role: str
    at: str
    reference: Reference


class Stored(Shape):
    """A version of a document as it was just registered."""

    id: str
    version: int
    subject_kind: str
    subject_id: str
    stage: str
    kind: str
    name: str
    sha256: str
    size: int
    format: str
    by: str
    role: str
    at: str
    reference: Reference
    receipt: Receipt


class PaperOffered(Shape):
    """A paper that a project has; `states` are those that offer it (none: any)."""

    paper: str
    label: Label
    offered: bool
    states: list[str]

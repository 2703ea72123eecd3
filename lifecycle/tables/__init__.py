"""The tables: data only. Everything that writes them is in the modules named after their nouns."""

from sqlmodel import SQLModel

from lifecycle.tables.audit import Disclosure, Entry, Pending, PersonKey, StreamHead
from lifecycle.tables.batches import Batch, Capacity, Rulebook, Shortlisted, Task
from lifecycle.tables.checkpoints import Checkpoint
from lifecycle.tables.dockets import Docket, DocketItem
from lifecycle.tables.documents import Document, File
from lifecycle.tables.investments import ClaimedInvoice, InvestmentLine, InvestmentList, InvestmentVerdict
from lifecycle.tables.jobs import Drift, Job
from lifecycle.tables.notices import Address, Announcement, Feed, Message, Notice
from lifecycle.tables.objections import Objection
from lifecycle.tables.panels import (
    Panel,
    PanelConflict,
    PanelExpert,
    PanelProject,
    PanelResult,
    PanelSession,
    ScoreSheet,
)
from lifecycle.tables.people import Answer, Person, Token
from lifecycle.tables.projects import Membership, Project
from lifecycle.tables.redactions import Redacted, Redaction
from lifecycle.tables.seal import Leaf, Node, SealedStream

metadata = SQLModel.metadata

__all__ = [
    "Address",
    "Announcement",
    "Answer",
    "Batch",
    "Capacity",
    "Checkpoint",
    "ClaimedInvoice",
    "Disclosure",
    "Docket",
    "DocketItem",
    "Document",
    "Drift",
    "Entry",
    "Feed",
    "File",
    "InvestmentLine",
    "InvestmentList",
    "InvestmentVerdict",
    "Job",
    "Leaf",
    "Membership",
    "Message",
    "Node",
    "Notice",
    "Objection",
    "Panel",
    "PanelConflict",
    "PanelExpert",
    "PanelProject",
    "PanelResult",
    "PanelSession",
    "Pending",
    "Person",
    "PersonKey",
    "Project",
    "Redacted",
    "Redaction",
    "Rulebook",
    "ScoreSheet",
    "SealedStream",
    "Shortlisted",
    "StreamHead",
    "Task",
    "Token",
    "metadata",
]

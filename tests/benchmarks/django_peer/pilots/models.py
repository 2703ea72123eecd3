"""The same project in Django: as many columns, the same two acts with as many guards, a log and an audit row."""

import uuid
from datetime import date

from django.db import models
from django_fsm import FSMField, transition
from django_fsm_log.decorators import fsm_log_by

FIELDS = ("objected_on", "objector_kind", "objector_name", "objector_contact", "objection_written", "objection_ground")


def may_act(project):
    return project.asked["role"] in {"handler", "division_head", "leader"}


def within_scope(project):
    return project.asked["scope"] == "all" or project.asked["city"] == project.city


def date_possible(project):
    return project.entered_on <= project.asked["on"] <= project.asked["today"]


def offered(project):
    return project.state in {"in_publicity", "under_objection"}


def fields_complete(project):
    return all(project.asked["fields"].get(name) is not None for name in FIELDS)


def documents_complete(project):
    return "objection_material" in project.asked["documents"]


def objection_in_period(project):
    starts_on = date.fromisoformat(project.record["publicity_starts_on"])
    ends_on = date.fromisoformat(project.record["publicity_ends_on"])
    return starts_on <= date.fromisoformat(project.asked["fields"]["objected_on"]) <= min(ends_on, project.asked["on"])


def objection_in_form(project):
    given = project.asked["fields"]
    needed = "objector_contact" if given["objector_kind"] == ["person"] else "objection_stamped"
    return given["objection_written"] is True and bool(given["objector_name"]) and bool(given.get(needed))


def finding_given(project):
    return bool(project.asked["fields"].get("objection_finding"))


def objection_open(project):
    return "objection_open" in project.flags


class Project(models.Model):
    # The log keeps object ids as 32-bit integers, so the key is one and the UUID stands beside it.
    id = models.AutoField(primary_key=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    batch_id = models.UUIDField()
    code = models.CharField(max_length=64)
    state = FSMField(default="in_publicity", protected=True)
    version = models.BigIntegerField(default=1)
    left_state = models.CharField(max_length=64, null=True)
    entered_on = models.DateField()
    definition_hash = models.CharField(max_length=64)
    policy_hash = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    city = models.CharField(max_length=6)
    task_code = models.CharField(max_length=64)
    ownership = models.CharField(max_length=64)
    group_name = models.CharField(max_length=200, null=True)
    lead_code = models.CharField(max_length=18)
    lead_name = models.CharField(max_length=200)
    members = models.JSONField()
    investment_fen = models.BigIntegerField()
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    indicators = models.JSONField(null=True)
    filed_rank = models.IntegerField(null=True)
    opinion = models.TextField(null=True)
    remarks = models.TextField(null=True)
    contact_name = models.CharField(max_length=100, null=True)
    contact_phone = models.CharField(max_length=40, null=True)
    record = models.JSONField()
    documents = models.JSONField()
    flags = models.JSONField()
    signers = models.JSONField()
    deadlines = models.JSONField()
    responsible = models.JSONField()
    lists = models.JSONField()
    pending = models.JSONField(null=True)
    plan = models.JSONField()
    head_seq = models.BigIntegerField(default=0)
    head_hash = models.BinaryField(default=bytes(32))
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["batch_id", "code"], name="project_code"),)
        indexes = (models.Index(fields=["batch_id", "city", "state"], name="project_city"),)

    # As many guards as the door evaluates for the same act.
    @fsm_log_by
    @transition(
        field=state,
        source="in_publicity",
        target="under_objection",
        conditions=[
            *(offered, may_act, within_scope, fields_complete, documents_complete, date_possible),
            *(objection_in_period, objection_in_form),
        ],
    )
    def object_to(self, by=None):
        self.record = {**self.record, **self.asked["fields"]}
        self.record.pop("objection_finding", None)
        self.documents = {**self.documents, **self.asked["documents"]}
        self._left("in_publicity", ["objection_open"])

    @fsm_log_by
    @transition(
        field=state,
        source="under_objection",
        target="in_publicity",
        conditions=[offered, may_act, within_scope, finding_given, objection_open, date_possible],
    )
    def reject_objection(self, by=None):
        self.record = {**self.record, **self.asked["fields"]}
        self._left("under_objection", [])

    def _left(self, state, flags):
        self.left_state, self.flags, self.entered_on = state, flags, self.asked["on"]
        self.version += 1
        self.changed_at = self.asked["now"]


class Audit(models.Model):
    """The row that a team adds when the log must say more than from, to and by."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, db_index=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=64)
    body = models.JSONField()

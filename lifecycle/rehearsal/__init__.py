"""A whole batch played from its summary table to its last closing, and what its log must show afterwards."""

from lifecycle.rehearsal.moment import StoryBroken
from lifecycle.rehearsal.performance import Rehearsal, rehearse
from lifecycle.rehearsal.rendering import render

__all__ = ["Rehearsal", "StoryBroken", "rehearse", "render"]

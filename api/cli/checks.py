"""Commands that prove things: model-check the definitions, rehearse a whole batch."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.output import REFUSED, emit, escape, progress, table, usage
from api.cli.people import AsJson
from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import open_database
from lifecycle.rehearsal import rehearse as play
from lifecycle.rehearsal import render as render_story
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from states.checker import check, check_all
from states.definition import BadDefinition, read_definition
from states.policy import read_policy
from states.story import bundled_stories

"""The commands of `pilot` and how it leaves: 0 done, 1 refused with findings, 2 wrong usage."""

import sys

import typer

from api.cli import (
    audit,
    awards,
    batches,
    checks,
    deadlines,
    dockets,
    documents,
    investments,
    objections,
    panels,
    papers,
    people,
    plans,
    projects,
    reminders,
    schedule,
    service,
    simulations,
    supervision,
    ways,
)

app = typer.Typer(
    name="pilot",
    help="政府试点项目全过程管理 / government pilot projects, from application to reward",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(service.serve)
app.command("schedule")(schedule.schedule)
app.command("migrate")(service.migrate)
app.command("demo")(service.demo)
app.command("import")(batches.import_workbook)
app.command("export")(batches.export_workbook)
app.command("projects")(projects.list_all)
app.command("show")(projects.show)
app.command("advance")(projects.advance)
app.command("history")(projects.history)
app.command("checkpoints")(deadlines.list_checkpoints)
app.command("lights")(deadlines.count_lights)
app.command("assign")(deadlines.assign)
app.command("chase")(deadlines.chase)
app.command("lapses")(supervision.list_lapses)
app.command("calls")(supervision.list_progress)
app.command("notices")(reminders.list_notices)
app.command("todos")(reminders.list_to_dos)
app.command("messages")(reminders.list_messages)
app.command("requeue")(reminders.requeue)
app.command("bounce")(ways.bounce)
app.command("jobs")(ways.list_jobs)
app.command("test-reminders")(ways.try_ways)
app.command("simulate")(simulations.simulate)
app.command("check")(checks.check)
app.command("rehearse")(checks.rehearse)
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")
app.add_typer(batches.batches, name="batch")
dockets.dockets.command("try")(awards.try_out)
dockets.dockets.command("allot")(awards.fill_in)
app.add_typer(dockets.dockets, name="dockets")
app.add_typer(objections.objections, name="objections")
app.add_typer(deadlines.deadlines, name="deadline")
app.add_typer(documents.documents, name="documents")
app.add_typer(papers.papers, name="papers")
app.add_typer(ways.addresses, name="address")
app.add_typer(ways.feeds, name="feed")
app.add_typer(investments.lists, name="investment")
app.add_typer(plans.calendar, name="calendar")
app.add_typer(plans.plan, name="plan")
app.add_typer(panels.panels, name="panels")
app.add_typer(audit.audit, name="audit")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()

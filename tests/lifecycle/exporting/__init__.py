"""Exports of the log: tables, XES, OCEL."""

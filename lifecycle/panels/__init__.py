"""Panels of experts: set up, conflicts declared, projects assigned, sheets scored, rounds concluded and reopened."""

"""Tests of time and delivery: what falls due, who is told, and what leaves the house."""

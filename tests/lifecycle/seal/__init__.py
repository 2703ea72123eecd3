"""Tests of use cases and storage, on both databases."""

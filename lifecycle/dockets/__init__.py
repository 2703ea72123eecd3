"""Dockets 办理清单: drafted, previewed, released through the door for many, received, read."""

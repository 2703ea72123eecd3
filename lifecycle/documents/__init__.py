"""Documents: files linked to a project or batch, its stage and a kind, in versions."""

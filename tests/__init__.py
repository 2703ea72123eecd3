"""The suite: as a package, so that builders of one directory can be used in another."""

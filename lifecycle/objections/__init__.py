"""Objections 异议 in publicity (R19): received in form or not, completed, found, read with the objector masked."""

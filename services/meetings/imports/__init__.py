"""Reads lists of meetings that others keep. Pure: text in, rows or refusals out."""

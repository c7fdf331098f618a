"""The rules of meetings, pure: what there is, and what may become of it."""

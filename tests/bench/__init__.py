"""Figures, never asserted as times: each is a ratio to a limit measured in the same run, on an idle machine."""

"""The web app of coordinators and regional staff."""

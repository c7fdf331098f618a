"""Region, chapters, groups, places, series and meetings."""

"""What meeting finders and calendars read. Pure: meetings in, text out."""

"""Stock Nameko in our place: its own ``event_handler`` and dispatcher, a session that commits as its extensions do.

What it does to messages is what our subscriber was written against; the suite shows the difference.
"""

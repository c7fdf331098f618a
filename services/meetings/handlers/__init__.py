"""What the meetings service does when it is told or asked something. Knows the unit of work as a Protocol only."""

"""When a group meets: rules in a zone, and the instants they give. Pure, no clock of its own."""

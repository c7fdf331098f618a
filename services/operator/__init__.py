"""What the operator does from the command line: set a network up, watch it, settle what was parked."""

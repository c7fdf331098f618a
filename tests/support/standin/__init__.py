"""Processes that stand in for services and gateways where only their starting and stopping is tried."""

"""What every service may use: contracts, messaging, storage, the gateways' shared part, the runtime."""

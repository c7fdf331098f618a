"""The ways out and in: mail over SMTP, texts through a provider, and what the provider calls back with."""

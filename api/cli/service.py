"""Commands that run the service: migrate, serve, demo."""

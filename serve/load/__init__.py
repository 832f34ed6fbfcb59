"""Load on a running service: what to send, sending it, and what came of it."""

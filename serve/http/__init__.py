"""The service behind its paths: settings, queue, limits, measures; it imports nothing of BentoML."""

"""What a load test does: webinar, meeting, join."""

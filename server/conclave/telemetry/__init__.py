"""What the server says of itself: logs without personal data, metrics, the audit file."""

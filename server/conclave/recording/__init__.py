"""The rim that records: packets from the plane's tap into encrypted files, and out of them again."""

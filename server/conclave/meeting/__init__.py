"""Meetings as plain state and plain functions: no await, no socket, no clock. Handlers push effects, the hub performs them."""

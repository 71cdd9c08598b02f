"""The server: one store of runs for many machines, over HTTP (`docs/server.md`)."""

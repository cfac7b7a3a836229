"""The library behind the host tools: each module one idea, no module a command line."""

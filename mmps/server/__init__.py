"""People of a gallery over HTTP: an API for programs, and a page for everybody else."""

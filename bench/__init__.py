"""The performance benchmark: our server beside a bare one, in one run."""

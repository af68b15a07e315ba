"""SMS out: one provider a file."""

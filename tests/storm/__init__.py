"""The storm: payouts and calls by the thousand under every nuisance at once, drawn from a seed.

The server's own parts are killed at random steps and begin again; the operators are the pretended
ones over HTTP; time is virtual, so hours of outage cost nothing. `python -m tests.storm --help`.
"""

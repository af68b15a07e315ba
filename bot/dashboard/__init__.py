"""The dashboard of support staff at /dashboard/: pages from the server, one small script."""

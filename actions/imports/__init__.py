"""Reports from files, recorded side by side by several processes."""

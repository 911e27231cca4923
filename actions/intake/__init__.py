"""Reports that come one at a time: read, kept until they are recorded, and recorded together."""

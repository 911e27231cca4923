"""The first start: what is still to be set up, and a sample with a receiver of its own."""

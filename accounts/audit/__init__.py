"""The history of the configuration: each changed field before and after, who changed it, and when."""

"""The history of what people set up: which field was what before and after, who changed it, when."""

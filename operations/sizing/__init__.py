"""How many processes, cores and gigabytes a number of events needs: measured costs, and a model fed with them."""

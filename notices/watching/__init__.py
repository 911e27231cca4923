"""Looking for what operators are to be told: each kind in a module of its own, in transactions of its own."""

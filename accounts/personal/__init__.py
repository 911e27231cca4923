"""The personal data of one customer, found by the reported customer id: export and erase."""

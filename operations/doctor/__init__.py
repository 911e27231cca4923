"""`manage.py doctor`: examines a deployment from where it runs, and says what is wrong and what to do.

Each file examines one thing and yields findings; `examination.py` runs them in order.
"""

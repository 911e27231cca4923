"""`manage.py doctor`: looks at a deployment from where it runs, and says what is wrong and what to do.

Each file looks at one thing and yields findings. `examination.py` puts them in order.
"""

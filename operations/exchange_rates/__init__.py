"""Fetches the daily exchange rates of the European Central Bank.

`fetch` asks for the documents and has `partners.published_rates` read and store them; `background` does so in a worker,
when `tasks` starts it; `state` says how it is going.
"""

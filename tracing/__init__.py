"""Traces by OpenTelemetry, where they are asked for: what a report became, from its request to the last attempt.

A *mark* names a span that is being recorded, as the header `traceparent` does. The mark of a report's request goes with
it: to its events, and from there to whoever sends their postbacks. Where there is no mark, nothing is traced.
"""

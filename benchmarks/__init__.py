"""How fast, how exact and how robust the delivery engine is, measured with real processes: `make bench`.

- `__main__.py`: the command line
- `surroundings.py`: the environment, and a data folder that only the benchmark uses
- `suite.py`: the scenarios, and how they run one after another
- `results.py`: figures, their targets, the table and the JSON file
- `machine.py`: facts about this machine and its software
- `processes.py`: processes that never outlive their block: workers, beat and the programs below
- `receivers.py`: where postbacks go (nginx, or the project's own receiver), and what arrived when
- `servers.py`, `usage.py`: the processes of the embedded servers, and the processor time that each part takes
- `callers.py`, `reports.py`: callers of the conversion API, and the reports that they send
- `calls.py`, `doors.py`: shops that report from a process of their own, and the doors that they report to
- `multi.py`: libcurl's multi interface, for programs that must take little of the processor
- `rows.py`: destinations and deliveries, written in bulk
- `drains.py`: waits until everything is delivered, and measures how fast that was
- `outages.py`: a drain while something fails: what is lost, what repeats, how soon it is back at full speed
- `events.py`: events committed at a steady rate, and how long each took to arrive
- `memory.py`: the memory of a worker and its children
- `scenarios/`: one question each
- `programs/`: what runs in separate processes: programs to compare with, and helpers
- `template.py`: how fast templates render; a separate program
"""

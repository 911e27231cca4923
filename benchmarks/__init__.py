"""How fast, how exact and how robust the delivery engine is, measured with real processes: `make bench`.

- `__main__.py`: the command line
- `surroundings.py`: the environment, and a data folder that nothing but the benchmark uses
- `suite.py`: which scenarios there are, and how they are run one after another
- `results.py`: figures, what they are to reach, the table and the JSON file
- `machine.py`: what this machine and its software are
- `processes.py`: processes that never outlive their block: workers, beat and the programs below
- `receivers.py`: where postbacks go: nginx, or the project's own receiver; what arrived when
- `rows.py`: destinations and deliveries, written in bulk
- `drains.py`: waiting until all is delivered, and how fast that was
- `outages.py`: a drain while something fails: what is lost, what repeats, how soon it is as fast as before
- `events.py`: events committed at a steady rate, and how long each took to arrive
- `memory.py`: what a worker and its children take
- `scenarios/`: one question each
- `programs/`: what runs in processes of its own: the ones to compare with, and helpers
- `template.py`: apart from these, how fast templates render; run by itself
"""

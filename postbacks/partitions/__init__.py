"""The attempts in partitions, by ranges of the ids of their deliveries: what is old is dropped, not deleted row by row.

`ranges` reads what there is. `move` makes an existing table the first partition, and `back` undoes that; `ahead` makes
partitions before they are needed. `dropping` removes whole ones, `compaction` gives back the room of deleted texts, and
`later_indexes` is for migrations. Everything else reads and writes one table, `postbacks_attempt`, as before.
"""

"""How a report becomes an action and its events. The one way in is `record`.

A report's story: `record` finds the action among `known_actions` or makes a `new_action`; `changes` works out what it
becomes, `pricing` what it is worth and `payout` what of that the partner earns; the `ActionState` takes it on and has a
`snapshot` made; `store` writes it. `batch` has read before what all of this needs.
"""

"""Templates of other networks, translated into the template language.

`networks/` holds a table for each network: its macros, what they mean, what says the same here, and the page that
documents them. `brackets` finds macros in a text, `modifiers` translates what is written inside of them, `engine` puts
both together and says what has no counterpart, `conditions` what must be reported for the result to have values, and
`guess` finds the network. All of that is pure; `checked` asks the checks of the postback form about the result.
`reference` prints the tables.
"""

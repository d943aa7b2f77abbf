"""AWS as `infra` sees it: one file for each kind of resource, named like the kind.

The contract of each:

`observe(door, one) -> Seen`  what is there, in the words of `Wanted.aspects`; only reads.
`create(door, one)`           make it, with our tags in the same call, so that nothing is ever ours without them.
`mend(door, one, aspects)`    make these aspects as wanted; each may be done again and again.
`adopt(door, one)`            add our tags to what is there, and keep its others.
`AFTER`                       the aspects that `create` cannot set and that are mended right after it.
`forgotten(name)`             the command by which a person could delete it.

What AWS refuses is raised as it is; `perform.py` and `look.py` put it into words.
"""

from __future__ import annotations

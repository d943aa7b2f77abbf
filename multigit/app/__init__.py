"""The stories: what each verb does from first look to last word. `move` changes environments, `views` looks,
`settle` closes what was left open, `workspace` minds people's clones, `holds` sets stop signs; `doctoring` asks
whether a release can be made, `proving` whether the last ones are still there.
"""

# ruff: noqa: E501
"""Made by `python -m multigit.cli.tabulate`; a test compares it with the verbs themselves."""

# fmt: off
HELP: dict[int, str] = {80: 'Usage: multigit [OPTIONS] COMMAND [ARGS]...\n'
     '\n'
     '  Move a whole fleet of git repositories at once, prove that it arrived, and\n'
     '  take it back.\n'
     '\n'
     'Options:\n'
     '  --version                    Show the version and exit.\n'
     '  -f, --file FILE              repos.yaml to use (default: here or above).\n'
     '  -r, --repo NAME|GROUP        Only these repositories.\n'
     '  -x, --exclude NAME|GROUP     All but these.\n'
     '  --json                       One JSON document on stdout; text goes to\n'
     '                               stderr.\n'
     '  --events FILE                Append what happens to FILE, one JSON object a\n'
     '                               line.\n'
     '  -q, --quiet                  Say only what matters.\n'
     '  -v, --verbose                Print each git command.\n'
     '  --no-input                   Never ask; stdin is not read.\n'
     '  --jobs N                     Repositories at once (default 8).  [1<=x<=64]\n'
     '  --color [auto|always|never]  Colours.\n'
     '  --lang [ko|en]               Language of questions.\n'
     '  -h, --help                   Show this message and exit.\n'
     '\n'
     'SET UP:\n'
     '  init    Write a repos.yaml: from clones found here, or from an example.\n'
     '  demo    See everything work, on eight repositories made for it.\n'
     '  doctor  Whether this machine and every remote are fit for a release.\n'
     '  clone   Clone the repositories that are missing here.\n'
     '  config  Check, show or describe repos.yaml.\n'
     '\n'
     'LOOK:\n'
     '  status   Where every repository is, what waits, what is owed.\n'
     '  plan     What a promotion would do, with conflicts predicted.\n'
     '  diff     What one environment has that the next one lacks.\n'
     '  log      Commits between environments or since a release.\n'
     '  history  Releases, newest first.\n'
     '  show     One release or run in full.\n'
     '  logs     What the services of an environment wrote.\n'
     '  verify   Whether ledger, fences, tags and branches agree.\n'
     '\n'
     'MOVE:\n'
     "  pull       Bring the clones' branch up to date; never merges or discards.\n"
     '  promote    Merge an environment into the next, tag the fleet, all or\n'
     '             nothing.\n'
     '  hotfix     Emergency: publish what the clones have, past staging.\n'
     "  push       Commit and publish the clones' work on a development branch.\n"
     '  backmerge  Bring fixes back upstream: main into stg, stg into dev.\n'
     '  rollback   Take an environment back to a release.\n'
     '  resume     Go on with a run that was left half done.\n'
     '  abort      Take a half-done run back.\n'
     '  hold       Set, list or release stop signs and quarantines.\n'
     '\n'
     'DEPLOY:\n'
     '  deploy  Bring an environment to what its branch says, step by step.\n'
     '  watch   How a deployment goes on, live, from any machine.\n'
     '  infra   What repos.yaml wants in AWS: show it, make it, mend it.\n'
     '\n'
     'TELL:\n'
     "  approve     Approve somebody else's saved plan, signed.\n"
     '  notify      Try the notifiers, or send what waits for them.\n'
     '  completion  Print the completion script of a shell.\n',
 100: 'Usage: multigit [OPTIONS] COMMAND [ARGS]...\n'
      '\n'
      '  Move a whole fleet of git repositories at once, prove that it arrived, and take it back.\n'
      '\n'
      'Options:\n'
      '  --version                    Show the version and exit.\n'
      '  -f, --file FILE              repos.yaml to use (default: here or above).\n'
      '  -r, --repo NAME|GROUP        Only these repositories.\n'
      '  -x, --exclude NAME|GROUP     All but these.\n'
      '  --json                       One JSON document on stdout; text goes to stderr.\n'
      '  --events FILE                Append what happens to FILE, one JSON object a line.\n'
      '  -q, --quiet                  Say only what matters.\n'
      '  -v, --verbose                Print each git command.\n'
      '  --no-input                   Never ask; stdin is not read.\n'
      '  --jobs N                     Repositories at once (default 8).  [1<=x<=64]\n'
      '  --color [auto|always|never]  Colours.\n'
      '  --lang [ko|en]               Language of questions.\n'
      '  -h, --help                   Show this message and exit.\n'
      '\n'
      'SET UP:\n'
      '  init    Write a repos.yaml: from clones found here, or from an example.\n'
      '  demo    See everything work, on eight repositories made for it.\n'
      '  doctor  Whether this machine and every remote are fit for a release.\n'
      '  clone   Clone the repositories that are missing here.\n'
      '  config  Check, show or describe repos.yaml.\n'
      '\n'
      'LOOK:\n'
      '  status   Where every repository is, what waits, what is owed.\n'
      '  plan     What a promotion would do, with conflicts predicted.\n'
      '  diff     What one environment has that the next one lacks.\n'
      '  log      Commits between environments or since a release.\n'
      '  history  Releases, newest first.\n'
      '  show     One release or run in full.\n'
      '  logs     What the services of an environment wrote.\n'
      '  verify   Whether ledger, fences, tags and branches agree.\n'
      '\n'
      'MOVE:\n'
      "  pull       Bring the clones' branch up to date; never merges or discards.\n"
      '  promote    Merge an environment into the next, tag the fleet, all or nothing.\n'
      '  hotfix     Emergency: publish what the clones have, past staging.\n'
      "  push       Commit and publish the clones' work on a development branch.\n"
      '  backmerge  Bring fixes back upstream: main into stg, stg into dev.\n'
      '  rollback   Take an environment back to a release.\n'
      '  resume     Go on with a run that was left half done.\n'
      '  abort      Take a half-done run back.\n'
      '  hold       Set, list or release stop signs and quarantines.\n'
      '\n'
      'DEPLOY:\n'
      '  deploy  Bring an environment to what its branch says, step by step.\n'
      '  watch   How a deployment goes on, live, from any machine.\n'
      '  infra   What repos.yaml wants in AWS: show it, make it, mend it.\n'
      '\n'
      'TELL:\n'
      "  approve     Approve somebody else's saved plan, signed.\n"
      '  notify      Try the notifiers, or send what waits for them.\n'
      '  completion  Print the completion script of a shell.\n'}

VERBS: dict[str, tuple[tuple[str, str], ...]] = {'': (('init', 'Write a repos.yaml: from clones found here, or from an example.'),
      ('demo', 'See everything work, on eight repositories made for it.'),
      ('doctor', 'Whether this machine and every remote are fit for a release.'),
      ('clone', 'Clone the repositories that are missing here.'),
      ('config', 'Check, show or describe repos.yaml.'),
      ('status', 'Where every repository is, what waits, what is owed.'),
      ('plan', 'What a promotion would do, with conflicts predicted.'),
      ('diff', 'What one environment has that the next one lacks.'),
      ('log', 'Commits between environments or since a release.'),
      ('history', 'Releases, newest first.'),
      ('show', 'One release or run in full.'),
      ('logs', 'What the services of an environment wrote.'),
      ('verify', 'Whether ledger, fences, tags and branches agree.'),
      ('pull', "Bring the clones' branch up to date; never merges or discards."),
      ('promote', 'Merge an environment into the next, tag the fleet, all or nothing.'),
      ('hotfix', 'Emergency: publish what the clones have, past staging.'),
      ('push', "Commit and publish the clones' work on a development branch."),
      ('backmerge', 'Bring fixes back upstream: main into stg, stg into dev.'),
      ('rollback', 'Take an environment back to a release.'),
      ('resume', 'Go on with a run that was left half done.'),
      ('abort', 'Take a half-done run back.'),
      ('hold', 'Set, list or release stop signs and quarantines.'),
      ('deploy', 'Bring an environment to what its branch says, step by step.'),
      ('watch', 'How a deployment goes on, live, from any machine.'),
      ('infra', 'What repos.yaml wants in AWS: show it, make it, mend it.'),
      ('approve', "Approve somebody else's saved plan, signed."),
      ('notify', 'Try the notifiers, or send what waits for them.'),
      ('completion', 'Print the completion script of a shell.')),
 'config': (('check', 'Check repos.yaml; every problem with file, line and column.'),
            ('show', 'repos.yaml as it is understood, defaults filled in.'),
            ('schema', 'The JSON Schema of repos.yaml, for editors.')),
 'hold': (('list', 'The holds in force.'),
          ('set', 'Freeze ENV: promote, hotfix and push refuse until it is released.'),
          ('release', 'Release every hold of ENV, quarantined releases included.')),
 'infra': (('plan', 'What would be made or mended; only reads.'),
           ('apply', 'Make and mend it; nothing is ever deleted.'),
           ('export', 'Print the same as a template; AWS is not asked.')),
 'notify': (('test', 'Send a test notice to every notifier of repos.yaml, or to NAME, now.'),
            ('send', "Send the notices that wait in this machine's outbox."))}

COMMON: tuple[tuple[str, str], ...] = (('-f', 'repos.yaml to use (default: here or above).'),
 ('--file', 'repos.yaml to use (default: here or above).'),
 ('-r', 'Only these repositories.'),
 ('--repo', 'Only these repositories.'),
 ('-x', 'All but these.'),
 ('--exclude', 'All but these.'),
 ('--json', 'One JSON document on stdout; text goes to stderr.'),
 ('--events', 'Append what happens to FILE, one JSON object a line.'),
 ('-q', 'Say only what matters.'),
 ('--quiet', 'Say only what matters.'),
 ('-v', 'Print each git command.'),
 ('--verbose', 'Print each git command.'),
 ('--no-input', 'Never ask; stdin is not read.'),
 ('--jobs', 'Repositories at once (default 8).'),
 ('--color', 'Colours.'),
 ('--lang', 'Language of questions.'),
 ('-h', 'Show this message and exit.'),
 ('--help', 'Show this message and exit.'))

OPTIONS: dict[str, tuple[tuple[str, str], ...]] = {'': (('--version', 'Show the version and exit.'),),
 'abort': (('-n', 'Say which run is meant; change nothing.'),
           ('--dry-run', 'Say which run is meant; change nothing.'),
           ('-y', 'Do not ask; consent is recorded with the run.'),
           ('--yes', 'Do not ask; consent is recorded with the run.')),
 'approve': (('-n', 'Show the plan and whether you may approve it; change nothing.'),
             ('--dry-run', 'Show the plan and whether you may approve it; change nothing.'),
             ('-y', 'Do not ask.'),
             ('--yes', 'Do not ask.')),
 'backmerge': (('-m', 'Added to the merge commits.'),
               ('--message', 'Added to the merge commits.'),
               ('-n', 'Stop after the plan; nothing is changed.'),
               ('--dry-run', 'Stop after the plan; nothing is changed.'),
               ('--out', 'Save the plan.'),
               ('-y', 'Consent without a question; never to production.'),
               ('--yes', 'Consent without a question; never to production.'),
               ('--plan', 'Apply exactly this saved plan.'),
               ('--confirm', 'Consent to production: the phrase the plan names.'),
               ('--override', 'Pass a gate; recorded.')),
 'clone': (('-n', 'Say what would be done; no clone is touched.'),
           ('--dry-run', 'Say what would be done; no clone is touched.')),
 'completion': (),
 'config': (),
 'config check': (),
 'config schema': (),
 'config show': (),
 'demo': (('--keep', 'Build it in DIR and leave it there to play with.'),
          ('--setup-only', 'With --keep: only build the workspace.')),
 'deploy': (('--ref', 'A release of ENV instead of what its branch says: a tag, run or `last`.'),
            ('-n', 'Stop after the plan; nothing is changed.'),
            ('--dry-run', 'Stop after the plan; nothing is changed.'),
            ('--exit-code', 'With -n: exit with 10 if there is something to do.'),
            ('-y', 'Consent without a question; never to production.'),
            ('--yes', 'Consent without a question; never to production.'),
            ('--confirm', 'Consent to production: its phrase, such as `gli main`.')),
 'diff': (),
 'doctor': (('--write', 'Also push throw-away refs (refs/multigit/probe/…) and delete them.'),
            ('-n', 'Push nothing, not even with --write.'),
            ('--dry-run', 'Push nothing, not even with --write.'),
            ('-y', 'Do not ask before --write.'),
            ('--yes', 'Do not ask before --write.')),
 'history': (('-n', 'How many releases.'), ('--limit', 'How many releases.')),
 'hold': (),
 'hold list': (),
 'hold release': (('-m', 'Why; kept in the ledger.'),
                  ('--message', 'Why; kept in the ledger.'),
                  ('--reason', 'Why; kept in the ledger.'),
                  ('-n', 'Say what would be done.'),
                  ('--dry-run', 'Say what would be done.')),
 'hold set': (('-m', 'Why; kept in the ledger.'),
              ('--message', 'Why; kept in the ledger.'),
              ('--reason', 'Why; kept in the ledger.'),
              ('-n', 'Say what would be done.'),
              ('--dry-run', 'Say what would be done.')),
 'hotfix': (('--push', 'Publish (the only thing a hotfix does).'),
            ('-m', "Commit the clones' tracked changes first, with this message."),
            ('--message', "Commit the clones' tracked changes first, with this message."),
            ('--backmerge', 'Pay the fix back upstream right away.'),
            ('--no-deploy', 'Only move the branches; deploy what was released later.'),
            ('-n', 'Stop after the plan; nothing is changed.'),
            ('--dry-run', 'Stop after the plan; nothing is changed.'),
            ('--out', 'Save the plan.'),
            ('-y', 'Consent without a question; never to production.'),
            ('--yes', 'Consent without a question; never to production.'),
            ('--plan', 'Apply exactly this saved plan.'),
            ('--confirm', 'Consent to production: the phrase the plan names.'),
            ('--override', 'Pass a gate; recorded.')),
 'infra': (),
 'infra apply': (('--adopt', 'Take in what exists without our tags: tag it, then mend it.'),
                 ('-n', 'Stop after the plan; nothing is changed.'),
                 ('--dry-run', 'Stop after the plan; nothing is changed.'),
                 ('-y', 'Consent without a question; never to production.'),
                 ('--yes', 'Consent without a question; never to production.'),
                 ('--confirm', 'Consent to production: the phrase the plan names.')),
 'infra export': (('--format', 'Its language.'),),
 'infra plan': (('--adopt', 'Take in what exists without our tags: tag it, then mend it.'),
                ('--exit-code', 'Exit with 10 when there are changes.')),
 'init': (('--scan', 'Find clones in DIR and one level below.'),
          ('--example', 'Start from a preset: gli, webui-mcp, manpasik, astrago, talkstudio.')),
 'log': (('--since', 'Since a release: tag, beginning of a tag, run, last, previous.'),),
 'logs': (('-F', 'Go on with what is written from now, until Ctrl-C.'),
          ('--follow', 'Go on with what is written from now, until Ctrl-C.'),
          ('--since', 'How far back, for example 2h.'),
          ('--grep', 'Only lines with this text.'),
          ('-n', 'Lines at most.'),
          ('--limit', 'Lines at most.')),
 'notify': (),
 'notify send': (('-n', 'Say who would be told; send nothing.'),
                 ('--dry-run', 'Say who would be told; send nothing.')),
 'notify test': (('-n', 'Say who would be told; send nothing.'),
                 ('--dry-run', 'Say who would be told; send nothing.')),
 'plan': (('--out', 'Save the plan, to be applied with promote --plan FILE.'),
          ('-m', 'Added to the merge commits and the release.'),
          ('--message', 'Added to the merge commits and the release.'),
          ('--override', 'Plan as if the gate were passed.'),
          ('--exit-code', 'Exit with 10 if there are changes.'),
          ('--reapply', 'Ship again a release that was rolled back, with its fix on top.')),
 'promote': (('-m', 'Added to the merge commits and the release.'),
             ('--message', 'Added to the merge commits and the release.'),
             ('--reapply', 'Ship again a release that was rolled back, with its fix on top.'),
             ('--no-deploy', 'Only move the branches; deploy what was released later.'),
             ('-n', 'Stop after the plan; nothing is changed.'),
             ('--dry-run', 'Stop after the plan; nothing is changed.'),
             ('--out', 'Save the plan.'),
             ('-y', 'Consent without a question; never to production.'),
             ('--yes', 'Consent without a question; never to production.'),
             ('--plan', 'Apply exactly this saved plan.'),
             ('--confirm', 'Consent to production: the phrase the plan names.'),
             ('--override', 'Pass a gate; recorded.')),
 'pull': (('-n', 'Say what would be done; no clone is touched.'),
          ('--dry-run', 'Say what would be done; no clone is touched.')),
 'push': (('-m', 'Message of the commits.'),
          ('--message', 'Message of the commits.'),
          ('--then', 'Promote to this environment afterwards.'),
          ('-n', 'Stop after the plan; nothing is changed.'),
          ('--dry-run', 'Stop after the plan; nothing is changed.'),
          ('--out', 'Save the plan.'),
          ('-y', 'Consent without a question; never to production.'),
          ('--yes', 'Consent without a question; never to production.'),
          ('--plan', 'Apply exactly this saved plan.'),
          ('--confirm', 'Consent to production: the phrase the plan names.'),
          ('--override', 'Pass a gate; recorded.')),
 'resume': (('-n', 'Say which run is meant; change nothing.'),
            ('--dry-run', 'Say which run is meant; change nothing.'),
            ('-y', 'Do not ask; consent is recorded with the run.'),
            ('--yes', 'Do not ask; consent is recorded with the run.')),
 'rollback': (('--mode', 'How (default: repos.yaml, restore).'),
              ('--repos', 'Only these repositories (same as -r).'),
              ('-m', 'Why: kept with the quarantine.'),
              ('--message', 'Why: kept with the quarantine.'),
              ('--no-deploy', 'Only move the branches; deploy what was released later.'),
              ('-n', 'Stop after the plan; nothing is changed.'),
              ('--dry-run', 'Stop after the plan; nothing is changed.'),
              ('--out', 'Save the plan.'),
              ('-y', 'Consent without a question; never to production.'),
              ('--yes', 'Consent without a question; never to production.'),
              ('--plan', 'Apply exactly this saved plan.'),
              ('--confirm', 'Consent to production: the phrase the plan names.'),
              ('--override', 'Pass a gate; recorded.')),
 'show': (),
 'status': (('--no-fetch', 'What was seen the last time, and when; no host is asked.'),),
 'verify': (('--trust-ledger', 'Forget the ledger seen before; OID is its head, or none.'),
            ('-y', 'Do not ask before that.'),
            ('--yes', 'Do not ask before that.'),
            ('--for', 'Watch the health of ENV that long, for example 30m.')),
 'watch': ()}

COMMON_VALUES: dict[str, tuple[str, ...]] = {'--color': ('auto', 'always', 'never'),
 '--events': ('FILE',),
 '--exclude': (),
 '--file': ('FILE',),
 '--jobs': (),
 '--lang': ('ko', 'en'),
 '--repo': (),
 '-f': ('FILE',),
 '-r': (),
 '-x': ()}

VALUES: dict[str, tuple[str, ...]] = {'backmerge --confirm': (),
 'backmerge --message': (),
 'backmerge --out': ('FILE',),
 'backmerge --override': (),
 'backmerge --plan': ('FILE',),
 'backmerge -m': (),
 'demo --keep': ('FILE',),
 'deploy --confirm': (),
 'deploy --ref': (),
 'history --limit': (),
 'history -n': (),
 'hold release --message': (),
 'hold release --reason': (),
 'hold release -m': (),
 'hold set --message': (),
 'hold set --reason': (),
 'hold set -m': (),
 'hotfix --confirm': (),
 'hotfix --message': (),
 'hotfix --out': ('FILE',),
 'hotfix --override': (),
 'hotfix --plan': ('FILE',),
 'hotfix -m': (),
 'infra apply --confirm': (),
 'infra export --format': ('cloudformation',),
 'init --example': (),
 'init --scan': ('FILE',),
 'log --since': (),
 'logs --grep': (),
 'logs --limit': (),
 'logs --since': (),
 'logs -n': (),
 'plan --message': (),
 'plan --out': ('FILE',),
 'plan --override': (),
 'plan -m': (),
 'promote --confirm': (),
 'promote --message': (),
 'promote --out': ('FILE',),
 'promote --override': (),
 'promote --plan': ('FILE',),
 'promote -m': (),
 'push --confirm': (),
 'push --message': (),
 'push --out': ('FILE',),
 'push --override': (),
 'push --plan': ('FILE',),
 'push --then': (),
 'push -m': (),
 'rollback --confirm': (),
 'rollback --message': (),
 'rollback --mode': ('restore', 'revert', 'reset'),
 'rollback --out': ('FILE',),
 'rollback --override': (),
 'rollback --plan': ('FILE',),
 'rollback --repos': (),
 'rollback -m': (),
 'verify --for': (),
 'verify --trust-ledger': ()}

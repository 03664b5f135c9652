"""Ways of setting things that many controls share; a subject's deploy calls these, not a shell.

- `files`: `whole_file(path, content, …)`, `no_file(path)`
- `packages`: `packages(names)`, `no_packages(names)`
- `units`: `unit_on(unit)`, `unit_off(unit)`, `unit_masked(unit)`, `drop_in(unit, content)`,
  `unit_restarted(unit, when=[…])`, `daemon_reloaded(when=[…])`
- `sysctl`: `sysctl_settings(subject, settings)`
- `kernel_modules`: `modules_disabled(subject, names)`

Each returns pyinfra's `OperationMeta`, to be passed on as `when=[…]` of what shall only follow a change.

Rules that keep the plan honest (what `--dry` says is what is done, and a second run does nothing):

- Content is made from the desired state alone, in a fixed order, with no date in it.
- Whole files are owned, lines of others' files are not edited.
- What only follows a change is given `when=[…]`; nothing is restarted otherwise.
- What a package brings is not known before it is installed. If it shall be undone afterwards (a unit switched
  off, a file removed), say which operation brings it: `unit_off(…, brought_by=installed)`.
- A deploy that cannot make a host so raises `OperationError` with a sentence, before anything is changed.

Which controls an operation serves is shown in the plan: `with serving("control"): …`
(`plumbline.apply.serving`); without it, it is all of the deploy's subject.

Regular settings of a control (`linux.sysctl`, `linux.modules_disabled`) need no deploy: `deploys.apply` makes
them so for every subject.
"""

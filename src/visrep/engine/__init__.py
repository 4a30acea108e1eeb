"""The graph in lanes: DVC decides what must run, Dask runs it, here or on other machines.

`coordinator` is the loop. `repository` is DVC's side, `cluster` Dask's; `workers` run commands, which a `forkserver`
starts at once; `identity` is what workers must have in common, `progress` what is shown meanwhile. `untouched` knows
without DVC that a finished study has nothing left to do.
"""

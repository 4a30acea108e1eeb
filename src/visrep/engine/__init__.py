"""The graph in lanes: DVC decides what must run, Dask runs it, here or on other machines.

`books` is DVC's side, `coordinator` the loop, `workers` where commands run, `forks` how they start at once, `progress`
what is shown meanwhile.
"""

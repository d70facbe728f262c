"""
Benchmarks: what the provider costs, measured beside similar providers, in one run and on one machine.

``make bench`` runs them and writes ``docs/performance.md``. Each section of that page is one module.

They use :mod:`dev.support`, the sandbox and the provider; the other providers are in ``requirements.txt``.
"""

"""
Flows from a batch to its close, behind a proxy that damages EnergyCAP's answers.

``mutations`` damages one answer, ``proxy`` hands it on, ``flow`` runs the operators and checks what they claim.
``python -m tests.fuzz`` (``make fuzz``) runs thousands of flows, the tests a sample.
"""

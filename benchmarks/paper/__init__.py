"""The paper's claims on this machine: one file per claim, `python -m benchmarks.paper` for all.

After Menon, Rawat, Reddi, Kim and Kumar, "A statistical perspective on distillation" (ICML 2021).
A file states a claim and a set-up, scores one seed at a time, and makes tests of the scores: each
compares two columns over the seeds, and its verdict is computed from the difference and its
standard error. The numbers are ours; none is quoted from the paper.
"""

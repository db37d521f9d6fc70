"""Entry points: each wires the rooms together for one program, and nothing else."""

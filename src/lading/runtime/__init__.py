"""The OCI runtime: a spec becomes a list of operations, which a new process runs on itself.

    client --SEQPACKET--> spawner --fork--> monitor --clone3--> init --execve--> the program
                           (warm)        (one per container)   (runs the operations)

`spec` shapes of the OCI runtime spec      `plan` spec -> operations     `operations/` the steps
`spawner`, `monitor`, `init` the processes  `execs` exec in a container   `segments` the log files
`client` what the engine calls              `sealing` an interpreter that no container can overwrite

Nothing is imported here: what is loaded in the spawner is memory of every container.
"""

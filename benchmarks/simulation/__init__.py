"""What a run in AWS would take beyond one machine: a simulation, by speeds that were measured here."""

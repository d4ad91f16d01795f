"""What breaks a task's promises most often: the table of docs/testing.md, by the ids of the checks."""

CAUSES = {
    "check.contract-seed": "randomness that does not come from run.seed: two runs of one seed that differ, two seeds with one model, torch seeded with a number of its own",
    "check.contract-resume": "what a checkpoint does not hold: the weights differ in one bit",
    "check.contract-accumulation": "a loss that is divided by the batch, not by the step",
    "check.contract-batch-size": "padding that is scored, rows that see each other",
    "check.contract-gold": "a scorer that does not give 1 for the gold labels",
    "check.contract-nothing-cut": "rows that a small window loses",
    "check.contract-stops": "a loop that does not ask run.should_stop() after each step",
    "check.contract-offline": "a model or metric that is fetched",
    "check.contract-stays-inside": "files outside of run.run_dir, written, moved there or away from there; another process, a fork too, as nobody sees what it writes",
    "check.contract-environ": "a variable of os.environ that is left changed",
    "check.contract-cpu": "a tensor on a GPU that nobody asked for",
    "check.contract-predict": "a predictor that decodes otherwise than the evaluation",
}

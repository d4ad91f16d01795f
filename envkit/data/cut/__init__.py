"""Cut a file into the files to train, choose and score on."""

"""The inside of the target `actions`: runs of a workflow, their jobs, and what those say."""

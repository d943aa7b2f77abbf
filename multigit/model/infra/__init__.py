"""What shall be in AWS, what is there, and the differences as data. No boto3 here (multigit/infra has it)."""

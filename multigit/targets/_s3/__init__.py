"""The inside of the target `s3-site`: the folder that was built, the bucket, the caches in front of it."""

"""The inside of the targets `ecs` and `ecs-task`: services, images, tasks, and how they are going."""

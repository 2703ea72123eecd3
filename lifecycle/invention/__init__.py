"""What a demonstration is invented from: units, projects, tasks, quotas and the workbooks that hold them."""

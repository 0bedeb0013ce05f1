"""What people decide: approvals, rejections, suspensions, accepted revisions, shared links."""

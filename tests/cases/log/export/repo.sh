npm demo 1.2.3
commit "feat: first"
tag v1.2.3
recorded_deployments

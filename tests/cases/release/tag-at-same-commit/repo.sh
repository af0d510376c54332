simple
tag v1.3.0

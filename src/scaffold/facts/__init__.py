"""Facts about the outside world, as data: the schemas of Kubernetes and of the custom resources in wide use."""

"""The standalone verifier of bundles. It asks neither the service nor the network anything."""

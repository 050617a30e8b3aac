module blastdoor.dev/testbed/gateway-api

go 1.26.0

// Only the CustomResourceDefinitions in config/crd/standard are read, from the module's own folder;
// no package of it is compiled. 1.7 asks for Go 1.27, which the other modules here do not.
require sigs.k8s.io/gateway-api v1.6.3

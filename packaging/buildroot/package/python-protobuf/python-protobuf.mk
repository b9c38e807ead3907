################################################################################
#
# python-protobuf
#
################################################################################

# nanopb's generator runs on the host; Buildroot has this package for the
# target only. Version, site and hashes are those of Buildroot's package; the
# day it has a host variant of its own, that one is taken.
HOST_PYTHON_PROTOBUF_DL_SUBDIR = python-protobuf

ifeq ($(filter host-python-protobuf,$(PACKAGES_ALL)),)
$(eval $(host-python-package))
endif

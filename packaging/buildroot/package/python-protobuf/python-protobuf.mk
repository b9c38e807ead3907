################################################################################
#
# python-protobuf
#
################################################################################

# nanopb's generator runs on the host; Buildroot has this package for the
# target only. Version, site and hashes are those of Buildroot's package; the
# day it has a host variant of its own, that one is taken.
ifeq ($(filter host-python-protobuf,$(PACKAGES_ALL)),)
$(eval $(host-python-package))
HOST_PYTHON_PROTOBUF_HASH_FILES = $(PYTHON_PROTOBUF_HASH_FILES)
endif

################################################################################
#
# nanopb
#
################################################################################

NANOPB_VERSION = 0.4.9.1
NANOPB_SITE = $(call github,nanopb,nanopb,$(NANOPB_VERSION))
NANOPB_LICENSE = Zlib
NANOPB_LICENSE_FILES = LICENSE.txt
NANOPB_INSTALL_STAGING = YES
NANOPB_INSTALL_TARGET = NO

HOST_NANOPB_DEPENDENCIES = host-protobuf host-python3 host-python-protobuf

# A static library only: it is small, and so the target needs no file of it.
# Its name is the same in debug builds. protoc is asked for, but not run.
NANOPB_CONF_OPTS = \
	-DBUILD_SHARED_LIBS=OFF \
	-DBUILD_STATIC_LIBS=ON \
	-DCMAKE_DEBUG_POSTFIX="" \
	-Dnanopb_BUILD_GENERATOR=OFF \
	-Dnanopb_BUILD_RUNTIME=ON \
	-Dnanopb_PROTOC_PATH=/bin/false \
	-Dnanopb_PYTHON_INSTDIR_OVERRIDE=lib

HOST_NANOPB_CONF_OPTS = \
	-Dnanopb_BUILD_GENERATOR=ON \
	-Dnanopb_BUILD_RUNTIME=OFF \
	-Dnanopb_PROTOC_PATH=$(HOST_DIR)/bin/protoc \
	-Dnanopb_PYTHON_INSTDIR_OVERRIDE=lib/python$(PYTHON3_VERSION_MAJOR)/site-packages

$(eval $(cmake-package))
$(eval $(host-cmake-package))

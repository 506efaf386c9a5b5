# SPDX-License-Identifier: Apache-2.0
#
# To add a source file of overlay-ctl, add a line to its list, sorted.
# Scripts that are only run from the source tree: EXTRA_DIST.

bin_PROGRAMS += utilities/overlay-ctl
utilities_overlay_ctl_SOURCES = \
	utilities/overlay-ctl-commands.c \
	utilities/overlay-ctl-net.c \
	utilities/overlay-ctl-show.c \
	utilities/overlay-ctl-words.c \
	utilities/overlay-ctl.c \
	utilities/overlay-ctl.h
utilities_overlay_ctl_LDADD = \
	programs/dirs.o \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBS)
utilities_overlay_ctl_DEPENDENCIES = \
	programs/dirs.o \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-tables.a \
	ovs.stamp
dist_man_MANS += utilities/overlay-ctl.8

EXTRA_DIST += \
	utilities/README.md \
	utilities/bench \
	utilities/build \
	utilities/check \
	utilities/check.py \
	utilities/demo \
	utilities/demo.py \
	utilities/demo_routing.py \
	utilities/demo_screen.py \
	utilities/install-deps \
	utilities/overlay_lab/__init__.py \
	utilities/overlay_lab/fabric.py \
	utilities/overlay_lab/hosts.py \
	utilities/overlay_lab/hypervisor.py \
	utilities/overlay_lab/namespaces.py \
	utilities/overlay_lab/paths.py \
	utilities/overlay_lab/traffic.py \
	utilities/overlay_lab/vhost_vm.py \
	utilities/overlay_lab/wire.py

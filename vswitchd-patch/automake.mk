# SPDX-License-Identifier: Apache-2.0
#
# Open vSwitch itself: unpacked, patched and built in a cache outside of the
# tree, and linked here.  The programs are linked here, too, because the cached
# build knows no prefix: programs/dirs.c has ours.

EXTRA_DIST += \
	vswitchd-patch/0001-vswitchd-register-overlay.patch \
	vswitchd-patch/0002-bridge-two-sessions.patch \
	vswitchd-patch/0003-ovs-vsctl-row-names.patch \
	vswitchd-patch/0004-ctl-one-letter.patch \
	vswitchd-patch/0005-bridge-iface-error.patch \
	vswitchd-patch/README.md \
	vswitchd-patch/build-ovs \
	vswitchd-patch/install-ovs \
	vswitchd-patch/merge-schema \
	vswitchd-patch/overlay.ovsschema.json \
	vswitchd-patch/overlay.xml \
	vswitchd-patch/series

# Takes a moment when the build is there, and leaves ovs.stamp alone then.
ovs.stamp: FORCE
	+@OVS_SOURCE='$(OVS_SOURCE)' CC='$(OVS_CC)' \
	CFLAGS='$(OVS_CFLAGS) $(OVS_SANITIZE)' PYTHON3='$(PYTHON3)' \
	OVERLAY_CACHE='$(OVERLAY_CACHE)' MAKE='$(MAKE)' \
	$(SHELL) $(srcdir)/vswitchd-patch/build-ovs ovs ovs.stamp

cache-clean:
	@OVERLAY_CACHE='$(OVERLAY_CACHE)' \
	$(SHELL) $(srcdir)/vswitchd-patch/build-ovs --clean

DISTCLEANFILES += ovs ovs.stamp
distclean-local:
	rm -rf ovs-cache programs vswitchd

# The daemon: its own files come from the patched tree and are compiled here,
# because they include our header.

sbin_PROGRAMS += vswitchd/ovs-vswitchd
VSWITCHD_OBJECTS = \
	vswitchd/bridge.o \
	vswitchd/ovs-vswitchd.o \
	vswitchd/system-stats.o
OUR_ARCHIVES = \
	ofproto-tables/libovl-ofproto.a \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-threads.a \
	dpif-overlay/libovl-pipeline.a \
	dpif-overlay/libovl-tables.a
vswitchd_ovs_vswitchd_SOURCES =
vswitchd_ovs_vswitchd_LDADD = \
	$(VSWITCHD_OBJECTS) programs/dirs.o \
	$(OUR_ARCHIVES) $(OVS_LIBOFPROTO) $(OVS_LIBS)
vswitchd_ovs_vswitchd_DEPENDENCIES = \
	$(VSWITCHD_OBJECTS) programs/dirs.o $(OUR_ARCHIVES) ovs.stamp
CLEANFILES += $(VSWITCHD_OBJECTS)

OVS_COMPILE = $(CC) $(OVS_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) -Wno-error \
	$(CFLAGS)
$(VSWITCHD_OBJECTS): ovs.stamp ofproto-tables/ofproto-tables.h
	$(AM_V_CC)$(MKDIR_P) vswitchd && \
	$(OVS_COMPILE) -c -o $@ ovs/src/vswitchd/$(notdir $(@:.o=.c))

# Directories that are compiled in, and overridden by OVS_RUNDIR and so on.

OVS_RUNDIR = $(localstatedir)/run/openvswitch
OVS_LOGDIR = $(localstatedir)/log/openvswitch
OVS_DBDIR = $(sysconfdir)/openvswitch
OVS_PKGDATADIR = $(datadir)/openvswitch
programs/dirs.c: Makefile ovs.stamp
	$(AM_V_GEN)$(MKDIR_P) programs && \
	sed -e 's,[@]sysconfdir[@],"$(sysconfdir)",g' \
	    -e 's,[@]pkgdatadir[@],"$(OVS_PKGDATADIR)",g' \
	    -e 's,[@]RUNDIR[@],"$(OVS_RUNDIR)",g' \
	    -e 's,[@]LOGDIR[@],"$(OVS_LOGDIR)",g' \
	    -e 's,[@]DBDIR[@],"$(OVS_DBDIR)",g' \
	    -e 's,[@]bindir[@],"$(bindir)",g' \
	    ovs/src/lib/dirs.c.in > $@.tmp && mv $@.tmp $@
programs/dirs.o: programs/dirs.c
	$(AM_V_CC)$(OVS_COMPILE) -c -o $@ programs/dirs.c
CLEANFILES += programs/dirs.c programs/dirs.o

# Stock programs.

OVS_PROGRAM_DEPS = programs/dirs.o ovs.stamp

sbin_PROGRAMS += programs/ovsdb-server
programs_ovsdb_server_SOURCES =
programs_ovsdb_server_LDADD = ovs/build/ovsdb/ovsdb-server.o \
	programs/dirs.o $(OVS_LIBOVSDB) $(OVS_LIBS)
programs_ovsdb_server_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovsdb-client
programs_ovsdb_client_SOURCES =
programs_ovsdb_client_LDADD = ovs/build/ovsdb/ovsdb-client.o \
	programs/dirs.o $(OVS_LIBOVSDB) $(OVS_LIBS)
programs_ovsdb_client_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovsdb-tool
programs_ovsdb_tool_SOURCES =
programs_ovsdb_tool_LDADD = ovs/build/ovsdb/ovsdb-tool.o \
	programs/dirs.o $(OVS_LIBOVSDB) $(OVS_LIBS)
programs_ovsdb_tool_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovs-appctl
programs_ovs_appctl_SOURCES =
programs_ovs_appctl_LDADD = ovs/build/utilities/ovs-appctl.o \
	programs/dirs.o $(OVS_LIBS)
programs_ovs_appctl_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovs-dpctl
programs_ovs_dpctl_SOURCES =
programs_ovs_dpctl_LDADD = ovs/build/utilities/ovs-dpctl.o \
	programs/dirs.o $(OVS_LIBS)
programs_ovs_dpctl_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovs-ofctl
programs_ovs_ofctl_SOURCES =
programs_ovs_ofctl_LDADD = ovs/build/utilities/ovs-ofctl.o \
	programs/dirs.o $(OVS_LIBOFPROTO) $(OVS_LIBS)
programs_ovs_ofctl_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovs-testcontroller
programs_ovs_testcontroller_SOURCES =
programs_ovs_testcontroller_LDADD = \
	ovs/build/utilities/ovs-testcontroller.o \
	programs/dirs.o $(OVS_LIBOFPROTO) $(OVS_LIBS)
programs_ovs_testcontroller_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/ovs-vsctl
programs_ovs_vsctl_SOURCES =
programs_ovs_vsctl_LDADD = ovs/build/utilities/ovs-vsctl.o \
	programs/dirs.o $(OVS_LIBS)
programs_ovs_vsctl_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

bin_PROGRAMS += programs/vtep-ctl
programs_vtep_ctl_SOURCES =
programs_vtep_ctl_LDADD = ovs/build/vtep/vtep-ctl.o \
	programs/dirs.o $(OVS_LIBVTEP) $(OVS_LIBS)
programs_vtep_ctl_DEPENDENCIES = $(OVS_PROGRAM_DEPS)

# Manual pages of the database: all of it, and what the overlay adds.  An
# undocumented table or column is an error.

MERGE_SCHEMA = $(PYTHON3) $(srcdir)/vswitchd-patch/merge-schema
OVERLAY_XML = vswitchd-patch/overlay.xml
OVSDB_DOC = PYTHONPATH=ovs/src/python PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) \
	ovs/src/ovsdb/ovsdb-doc --version=3.1.0
DB_PAGES = vswitchd/ovs-vswitchd.conf.db.5 vswitchd/overlay.db.5

vswitchd/ovs-vswitchd.conf.db.5: $(OVERLAY_XML) vswitchd-patch/merge-schema \
		ovs.stamp
	$(AM_V_GEN)$(MKDIR_P) vswitchd && \
	$(MERGE_SCHEMA) docs ovs/src/vswitchd/vswitch.xml \
	    $(srcdir)/$(OVERLAY_XML) > $@.xml && \
	$(OVSDB_DOC) ovs/src/vswitchd/vswitch.ovsschema $@.xml > $@.tmp && \
	rm $@.xml && mv $@.tmp $@
vswitchd/overlay.db.5: $(OVERLAY_XML) vswitchd-patch/merge-schema ovs.stamp
	$(AM_V_GEN)$(MKDIR_P) vswitchd && \
	$(MERGE_SCHEMA) ours ovs/src/vswitchd/vswitch.ovsschema \
	    $(srcdir)/$(OVERLAY_XML) > $@.ovsschema && \
	$(OVSDB_DOC) $@.ovsschema $(srcdir)/$(OVERLAY_XML) > $@.tmp && \
	rm $@.ovsschema && mv $@.tmp $@
man_MANS += $(DB_PAGES)
CLEANFILES += $(DB_PAGES)

# Schema, scripts, other manual pages.

INSTALL_OVS = bindir='$(bindir)' sbindir='$(sbindir)' datadir='$(datadir)' \
	mandir='$(mandir)' sysconfdir='$(sysconfdir)' prefix='$(prefix)' \
	localstatedir='$(localstatedir)' DESTDIR='$(DESTDIR)' \
	$(SHELL) $(srcdir)/vswitchd-patch/install-ovs ovs/stage
install-data-local: ovs.stamp
	@$(INSTALL_OVS)
uninstall-local:
	@$(INSTALL_OVS) --uninstall

/* SPDX-License-Identifier: Apache-2.0 */

/* overlay-ctl: configures the tables of an overlay bridge without quoting.
 *
 * Works on the Open_vSwitch database through OVS's db-ctl-base, as ovs-vsctl
 * and vtep-ctl do: several commands on one command line, separated by "--",
 * are one transaction, and unless --no-wait is given we return when
 * ovs-vswitchd has put it in force.
 *
 * This file has the options, the transaction and the wait.  See overlay-ctl.h
 * for the other files. */

#include <config.h>

#include "overlay-ctl.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "fatal-signal.h"
#include "lib/vswitch-idl.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-data.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "process.h"
#include "stream.h"
#include "stream-ssl.h"
#include "table.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(overlay_ctl);

const char *overlay_ctl_db;
bool overlay_ctl_db_is_default;
struct table_style overlay_ctl_table_style = TABLE_STYLE_DEFAULT;

/* --oneline: write each command's output as a single line? */
static bool oneline;

/* --dry-run: do not commit any changes. */
static bool dry_run;

/* --no-wait: do not wait for ovs-vswitchd to put the change in force. */
static bool wait_for_reload = true;

/* -v without argument: print the database operations. */
static bool print_operations;

/* Who waits for longer than this is told why. */
#define TELL_MSEC 1000

/* --timeout, in seconds; 0: none. */
static unsigned int timeout;

/* --retry: keep trying to connect to the database. */
static bool retry;

/* For overlay_ctl_exit() only; other code has a context. */
static struct ovsdb_idl *the_idl;
static struct ovsdb_idl_txn *the_idl_txn;

/* Rows whose error columns we report once the change is in force. */
struct expectation {
    const struct ovsdb_idl_table_class *table;
    struct uuid uuid;           /* Provisional for an inserted row. */
};
static struct expectation *expectations;
static size_t n_expectations, allocated_expectations;

static struct ovsdb_idl_condition conditions[OVERLAY_CTL_N_TABLES];

OVS_NO_RETURN static void overlay_ctl_exit(int status);
OVS_NO_RETURN static void usage(void);
static void parse_options(int argc, char *argv[], struct shash *local_options);
static void run_prerequisites(struct ctl_command *, size_t n,
                              struct ovsdb_idl *);
static bool do_overlay_ctl(const char *args, struct ctl_command *, size_t n,
                           struct ovsdb_idl *);

/* How the generic commands ("set", "list", ...) find a row. */
static const struct ctl_table_class tables[OVSREC_N_TABLES] = {
    [OVSREC_TABLE_BRIDGE].row_ids[0] = {&ovsrec_bridge_col_name, NULL, NULL},
    [OVSREC_TABLE_PORT].row_ids[0] = {&ovsrec_port_col_name, NULL, NULL},
    [OVSREC_TABLE_INTERFACE].row_ids[0]
    = {&ovsrec_interface_col_name, NULL, NULL},
    [OVSREC_TABLE_OVERLAY_NETWORK].row_ids = {
        {&ovsrec_overlay_network_col_vni, NULL, NULL},
        {&ovsrec_overlay_network_col_name, NULL, NULL},
    },
    [OVSREC_TABLE_OVERLAY_BINDING].row_ids[0]
    = {&ovsrec_overlay_binding_col_iface, NULL, NULL},
    [OVSREC_TABLE_OVERLAY_MAC].row_ids[0]
    = {&ovsrec_overlay_mac_col_mac, NULL, NULL},
    [OVSREC_TABLE_OVERLAY_NEIGHBOR].row_ids[0]
    = {&ovsrec_overlay_neighbor_col_ip, NULL, NULL},
    [OVSREC_TABLE_OVERLAY_ROUTE].row_ids[0]
    = {&ovsrec_overlay_route_col_prefix, NULL, NULL},
};

int
main(int argc, char *argv[])
{
    set_program_name(argv[0]);
    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_WARN);
    vlog_set_levels_from_string_assert("reconnect:warn");

    ctl_init(&ovsrec_idl_class, ovsrec_table_classes, tables, NULL,
             overlay_ctl_exit);
    ctl_register_commands(overlay_ctl_commands);
    ctl_register_commands(overlay_ctl_show_command);

    /* Parse the command line. */
    char *args = process_escape_args(argv);
    struct shash local_options = SHASH_INITIALIZER(&local_options);
    parse_options(argc, argv, &local_options);

    struct ctl_command *commands;
    size_t n_commands;
    char *error = ctl_parse_commands(argc - optind, argv + optind,
                                     &local_options, &commands, &n_commands);
    if (error) {
        ctl_fatal("%s", error);
    }
    VLOG(ctl_might_write_to_db(commands, n_commands) ? VLL_INFO : VLL_DBG,
         "Called as %s", args);
    ctl_timeout_setup(timeout);

    struct ovsdb_idl *idl = the_idl
        = ovsdb_idl_create_unconnected(&ovsrec_idl_class, false);
    ovsdb_idl_set_remote(idl, overlay_ctl_db, retry);
    ovsdb_idl_set_db_change_aware(idl, false);
    run_prerequisites(commands, n_commands, idl);

    /* Execute the commands, again whenever the database has changed under
     * us: 'seqno' is the sequence number for which we tried last. */
    unsigned int seqno = ovsdb_idl_get_seqno(idl);
    for (;;) {
        ovsdb_idl_run(idl);
        if (!ovsdb_idl_is_alive(idl)) {
            int retval = ovsdb_idl_get_last_error(idl);
            ctl_fatal("%s: database connection failed (%s)",
                      overlay_ctl_db, ovs_retval_to_string(retval));
        }

        if (seqno != ovsdb_idl_get_seqno(idl)) {
            seqno = ovsdb_idl_get_seqno(idl);
            if (do_overlay_ctl(args, commands, n_commands, idl)) {
                free(args);
                exit(EXIT_SUCCESS);
            }
        }

        if (seqno == ovsdb_idl_get_seqno(idl)) {
            ovsdb_idl_wait(idl);
            poll_block();
        }
    }
}

static void
overlay_ctl_exit(int status)
{
    if (the_idl_txn) {
        ovsdb_idl_txn_abort(the_idl_txn);
        ovsdb_idl_txn_destroy(the_idl_txn);
    }
    ovsdb_idl_destroy(the_idl);
    exit(status);
}

/* Options. */

static void
parse_options(int argc, char *argv[], struct shash *local_options)
{
    enum {
        OPT_DB = UCHAR_MAX + 1,
        OPT_ONELINE,
        OPT_NO_SYSLOG,
        OPT_NO_WAIT,
        OPT_DRY_RUN,
        OPT_BOOTSTRAP_CA_CERT,
        OPT_PEER_CA_CERT,
        OPT_LOCAL,
        OPT_RETRY,
        OPT_COMMANDS,
        OPT_OPTIONS,
        VLOG_OPTION_ENUMS,
        TABLE_OPTION_ENUMS,
        SSL_OPTION_ENUMS,
    };
    static const struct option global_long_options[] = {
        {"db", required_argument, NULL, OPT_DB},
        {"no-syslog", no_argument, NULL, OPT_NO_SYSLOG},
        {"no-wait", no_argument, NULL, OPT_NO_WAIT},
        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
        {"oneline", no_argument, NULL, OPT_ONELINE},
        {"timeout", required_argument, NULL, 't'},
        {"retry", no_argument, NULL, OPT_RETRY},
        {"help", no_argument, NULL, 'h'},
        {"commands", no_argument, NULL, OPT_COMMANDS},
        {"options", no_argument, NULL, OPT_OPTIONS},
        {"version", no_argument, NULL, 'V'},
        VLOG_LONG_OPTIONS,
        TABLE_LONG_OPTIONS,
        STREAM_SSL_LONG_OPTIONS,
        {"bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT},
        {"peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT},
        {NULL, 0, NULL, 0},
    };
    const int n_global_long_options = ARRAY_SIZE(global_long_options) - 1;

    char *tmp = ovs_cmdl_long_options_to_short_options(global_long_options);
    char *short_options = xasprintf("+%s", tmp);
    free(tmp);

    /* Global options and those of commands are parsed in one go. */
    struct option *options = xmemdup(global_long_options,
                                     sizeof global_long_options);
    size_t allocated_options = ARRAY_SIZE(global_long_options);
    size_t n_options = n_global_long_options;
    ctl_add_cmd_options(&options, &n_options, &allocated_options, OPT_LOCAL);

    bool format_given = false;
    for (;;) {
        int idx;
        int c = getopt_long(argc, argv, short_options, options, &idx);
        if (c == -1) {
            break;
        }

        switch (c) {
        case OPT_DB:
            overlay_ctl_db = optarg;
            break;

        case OPT_ONELINE:
            oneline = true;
            break;

        case OPT_NO_SYSLOG:
            vlog_set_levels(&this_module, VLF_SYSLOG, VLL_WARN);
            break;

        case OPT_NO_WAIT:
            wait_for_reload = false;
            break;

        case OPT_DRY_RUN:
            dry_run = true;
            break;

        case OPT_LOCAL:
            if (shash_find(local_options, options[idx].name)) {
                ctl_fatal("'%s' option specified multiple times",
                          options[idx].name);
            }
            shash_add_nocopy(local_options,
                             xasprintf("--%s", options[idx].name),
                             nullable_xstrdup(optarg));
            break;

        case 'h':
            usage();

        case OPT_COMMANDS:
            ctl_print_commands();
            /* fall through */

        case OPT_OPTIONS:
            ctl_print_options(global_long_options);
            /* fall through */

        case 'V':
            ovs_print_version(0, 0);
            printf("DB Schema %s\n", ovsrec_get_db_version());
            exit(EXIT_SUCCESS);

        case 't':
            if (!str_to_uint(optarg, 10, &timeout) || !timeout) {
                ctl_fatal("value %s on -t or --timeout is invalid", optarg);
            }
            break;

        case OPT_RETRY:
            retry = true;
            break;

        case 'v':
            if (optarg) {
                vlog_set_verbosity(optarg);
            } else {
                print_operations = true;
            }
            break;

        case OPT_LOG_FILE: {
            int err = vlog_set_log_file(optarg);
            if (err && optarg) {
                exit(EXIT_FAILURE);
            }
            break;
        }

        case OPT_SYSLOG_IMPL:
            vlog_set_syslog_method(optarg);
            break;

        case OPT_SYSLOG_TARGET:
            vlog_set_syslog_target(optarg);
            break;

        case 'f':
            format_given = true;
            table_parse_format(&overlay_ctl_table_style, optarg);
            break;

        case 'd':
            table_parse_cell_format(&overlay_ctl_table_style, optarg);
            break;

        case OPT_NO_HEADINGS:
            overlay_ctl_table_style.headings = false;
            break;

        case OPT_PRETTY:
            overlay_ctl_table_style.json_flags |= JSSF_PRETTY;
            break;

        case OPT_BARE:
            format_given = true;
            overlay_ctl_table_style.format = TF_LIST;
            overlay_ctl_table_style.cell_format = CF_BARE;
            overlay_ctl_table_style.headings = false;
            break;

        case OPT_MAX_COLUMN_WIDTH:
            overlay_ctl_table_style.max_column_width = atoi(optarg);
            break;

        STREAM_SSL_OPTION_HANDLERS

        case OPT_PEER_CA_CERT:
            stream_ssl_set_peer_ca_cert_file(optarg);
            break;

        case OPT_BOOTSTRAP_CA_CERT:
            stream_ssl_set_ca_cert_file(optarg, true);
            break;

        case '?':
            exit(EXIT_FAILURE);

        default:
            abort();
        }
    }
    free(short_options);

    if (!overlay_ctl_db) {
        overlay_ctl_db = ctl_default_db();
        overlay_ctl_db_is_default = true;
    }
    if (!format_given) {
        overlay_ctl_table_style.format = TF_TABLE;
    }

    for (size_t i = n_global_long_options; options[i].name; i++) {
        free(CONST_CAST(char *, options[i].name));
    }
    free(options);
}

static void
usage(void)
{
    printf("\
%s: configures the tables of an overlay bridge\n\
usage: %s [OPTIONS] COMMAND [ARG...]\n\
\n\
  show                        print bridge, VTEPs, networks, faults\n\
\n\
Networks (SETTING: vrf=VRF gateway=IP/LEN[,...] gateway-mac=MAC\n\
flood=IP[,...] mtu=N name=TEXT unknown-unicast=drop|flood\n\
neigh-suppress=true|false neigh-miss=flood|drop answer-tunnel=true|false\n\
ra=true|false ra-autonomous=true|false ra-lifetime=S ra-interval=S):\n\
  net-add VNI [SETTING]...    add network VNI\n\
  net-set VNI SETTING...      change settings of network VNI\n\
  net-del VNI                 delete network VNI\n\
  net-list                    print the networks\n\
\n\
Ports:\n\
  port-bind PORT VNI [MAC [IP]...]...  say which network PORT is in, and who\n\
                              lives behind it\n\
  port-unbind PORT            take PORT out of its network\n\
  port-list [VNI]             print the bound ports\n\
\n\
Remote VMs:\n\
  mac-add VNI MAC VTEP [IP]...  MAC, with addresses IP, is behind VTEP\n\
  mac-del VNI MAC             delete MAC\n\
  mac-list [VNI]              print the MAC rows\n\
\n\
Neighbors:\n\
  neigh-add VNI IP MAC [router]  IP is at MAC, which is a router\n\
  neigh-del VNI IP            delete the neighbor\n\
  neigh-list [VNI]            print the neighbor rows\n\
\n\
Routes:\n\
  route-add VRF PREFIX NEXTHOP... [vni=VNI] [action=forward]\n\
  route-add VRF PREFIX action=blackhole|unreachable|prohibit\n\
  route-del VRF PREFIX        delete the route\n\
  route-list [VRF]            print the routes\n\
\n\
The -add commands take --may-exist, the -del commands and port-unbind\n\
--if-exists; port-bind and port-unbind take --binding, which works on an\n\
Overlay_Binding row, for a port that does not exist yet.\n\
\n\
%s\
%s\
\n\
Options:\n\
  --db=DATABASE               connect to DATABASE\n\
                              (default: %s)\n\
  --no-wait                   do not wait for ovs-vswitchd to follow\n\
  --retry                     keep trying to connect to server forever\n\
  -t, --timeout=SECS          wait at most SECS seconds for ovs-vswitchd\n\
  --dry-run                   do not commit changes to database\n\
  -v                          print the operations on the database\n\
  --oneline                   print exactly one line of output per command\n",
           program_name, program_name, ctl_get_db_cmd_usage(),
           ctl_list_db_tables_usage(), ctl_default_db());
    table_usage();
    vlog_usage();
    printf("\
  --no-syslog                 equivalent to --verbose=overlay_ctl:syslog:warn\
\n");
    stream_usage("database", true, true, true);
    printf("\n\
Other options:\n\
  -h, --help                  display this help message\n\
  -V, --version               display version information\n");
    exit(EXIT_SUCCESS);
}

/* What the commands need of the database. */

struct ovsdb_idl_condition *
overlay_ctl_condition(enum overlay_ctl_table table)
{
    return &conditions[table];
}

static bool
is_ours(const struct ctl_command_syntax *syntax)
{
    for (const struct ctl_command_syntax *p = overlay_ctl_commands; p->name;
         p++) {
        if (!strcmp(p->name, syntax->name)) {
            return true;
        }
    }
    return false;
}

static void
run_prerequisites(struct ctl_command *commands, size_t n_commands,
                  struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_table_class *const classes[] = {
        [OVERLAY_CTL_MAC] = &ovsrec_table_overlay_mac,
        [OVERLAY_CTL_NEIGHBOR] = &ovsrec_table_overlay_neighbor,
        [OVERLAY_CTL_ROUTE] = &ovsrec_table_overlay_route,
    };
    bool only_ours = true;

    BUILD_ASSERT(ARRAY_SIZE(classes) == OVERLAY_CTL_N_TABLES);
    for (size_t i = 0; i < OVERLAY_CTL_N_TABLES; i++) {
        ovsdb_idl_condition_init(&conditions[i]);
    }

    ovsdb_idl_add_table(idl, &ovsrec_table_open_vswitch);
    if (wait_for_reload) {
        ovsdb_idl_add_column(idl, &ovsrec_open_vswitch_col_cur_cfg);
    }
    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        only_ours = only_ours && is_ours(c->syntax);
        if (c->syntax->prerequisites) {
            struct ctl_context ctx;

            ds_init(&c->output);
            c->table = NULL;

            ctl_context_init(&ctx, c, idl, NULL, NULL, NULL);
            c->syntax->prerequisites(&ctx);
            if (ctx.error) {
                ctl_fatal("%s", ctx.error);
            }
            ctl_context_done(&ctx, c);

            ovs_assert(!c->output.string);
            ovs_assert(!c->table);
        }
    }

    for (size_t i = 0; i < OVERLAY_CTL_N_TABLES; i++) {
        if (only_ours) {
            ovsdb_idl_set_condition(idl, classes[i], &conditions[i]);
        }
        ovsdb_idl_condition_destroy(&conditions[i]);
    }
}

/* The transaction. */

void
overlay_ctl_expect_no_error(const struct ovsdb_idl_row *row)
{
    if (n_expectations >= allocated_expectations) {
        expectations = x2nrealloc(expectations, &allocated_expectations,
                                  sizeof *expectations);
    }
    expectations[n_expectations++] = (struct expectation) {
        .table = row->table->class_,
        .uuid = row->uuid,
    };
}

static const char *
row_error(const struct ovsdb_idl_row *row)
{
    const struct ovsdb_idl_table_class *class = row->table->class_;
    const struct ovsdb_idl_column *column
        = (class == &ovsrec_table_port ? &ovsrec_port_col_overlay_error
           : class == &ovsrec_table_overlay_binding
           ? &ovsrec_overlay_binding_col_error
           : class == &ovsrec_table_overlay_network
           ? &ovsrec_overlay_network_col_error
           : class == &ovsrec_table_overlay_route
           ? &ovsrec_overlay_route_col_error
           : class == &ovsrec_table_overlay_neighbor
           ? &ovsrec_overlay_neighbor_col_error
           : &ovsrec_overlay_mac_col_error);
    const struct ovsdb_datum *datum = ovsdb_idl_read(row, column);

    return datum->n ? json_string(datum->keys[0].s) : NULL;
}

/* Tells on stderr which of the rows that we made or changed the daemon could
 * not put in force. */
static void
report_errors(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn)
{
    for (size_t i = 0; i < n_expectations; i++) {
        const struct expectation *e = &expectations[i];
        const struct uuid *uuid = ovsdb_idl_txn_get_insert_uuid(txn, &e->uuid);
        const struct ovsdb_idl_row *row
            = ovsdb_idl_get_row_for_uuid(idl, e->table, uuid ? uuid
                                                             : &e->uuid);
        const char *error = row ? row_error(row) : NULL;

        if (error && error[0]) {
            /* Most of them say whose they are. */
            const char *name = e->table->name;
            bool named = !strncmp(error, name, strlen(name));

            ovs_error(0, "%s%snot in force: %s", named ? "" : name,
                      named ? "" : " row is ", error);
        }
    }
}

static void
print_output(struct ctl_command *c)
{
    struct ds *ds = &c->output;

    if (c->table) {
        struct table_style style = overlay_ctl_table_style;

        if (style.format == TF_TABLE) {
            style.format = TF_LIST;
        }
        table_print(c->table, &style);
    } else if (oneline) {
        ds_chomp(ds, '\n');
        for (size_t j = 0; j < ds->length; j++) {
            int ch = ds->string[j];

            if (ch == '\n') {
                fputs("\\n", stdout);
            } else if (ch == '\\') {
                fputs("\\\\", stdout);
            } else {
                putchar(ch);
            }
        }
        putchar('\n');
    } else {
        fputs(ds_cstr(ds), stdout);
    }
}

static void
destroy_output(struct ctl_command *commands, size_t n_commands)
{
    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        ds_destroy(&c->output);
        table_destroy(c->table);
        free(c->table);
    }
}

static void
check_symbols(const struct ovsdb_symbol_table *symtab)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &symtab->sh) {
        struct ovsdb_symbol *symbol = node->data;

        if (!symbol->created) {
            ctl_fatal("row id \"%s\" is referenced but never created (e.g. "
                      "with \"-- --id=%s create ...\")",
                      node->name, node->name);
        }
        if (!symbol->strong_ref) {
            VLOG_WARN("row id \"%s\" was created but no %sreference to it "
                      "was inserted, so it will not actually appear in the "
                      "database", node->name, symbol->weak_ref ? "strong "
                                                                : "");
        }
    }
}

/* Commits.  With -v, prints what goes to the database server. */
static enum ovsdb_idl_txn_status
commit(struct ovsdb_idl_txn *txn)
{
    if (print_operations) {
        vlog_set_levels_from_string_assert("PATTERN:console:%m");
        vlog_set_levels_from_string_assert("jsonrpc:console:dbg");
    }
    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit_block(txn);
    if (print_operations) {
        vlog_set_levels_from_string_assert("jsonrpc:console:warn");
    }
    return status;
}

/* Waits until the daemon has put in force what is in the database.  Who has
 * waited for a while is told for what. */
static void
wait_for_daemon(struct ovsdb_idl *idl, int64_t next_cfg)
{
    long long int tell_at = time_msec() + TELL_MSEC;

    /* Without --retry, too, we have to reconnect here: else we would wait
     * forever for a 'cur_cfg' that does not reach us. */
    ovsdb_idl_enable_reconnect(idl);
    for (;;) {
        const struct ovsrec_open_vswitch *ovs;

        ovsdb_idl_run(idl);
        OVSREC_OPEN_VSWITCH_FOR_EACH (ovs, idl) {
            if (ovs->cur_cfg >= next_cfg) {
                return;
            }
        }
        if (time_msec() >= tell_at) {
            tell_at = LLONG_MAX;
            ovs_error(0, "the database has it; waiting for ovs-vswitchd to put "
                      "it in force (it may not be running; use --no-wait not "
                      "to wait, --timeout=SECS to wait no longer)");
        }
        ovsdb_idl_wait(idl);
        poll_timer_wait_until(tell_at);
        poll_block();
    }
}

/* Returns true if none of 'commands' can change the database.  Then a database
 * that no ovs-vswitchd has ever used stays as it is, and there is nothing that
 * a daemon would have to take note of. */
static bool
only_reads(const struct ctl_command *commands, size_t n_commands)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i].syntax->mode != RO) {
            return false;
        }
    }
    return true;
}

/* Runs 'commands' in one transaction.  Returns true if all is done, false if
 * the caller should try again when the database has changed. */
static bool
do_overlay_ctl(const char *args, struct ctl_command *commands,
               size_t n_commands, struct ovsdb_idl *idl)
{
    enum ovsdb_idl_txn_status status = TXN_TRY_AGAIN;
    struct ovsdb_idl_txn *txn = the_idl_txn = ovsdb_idl_txn_create(idl);
    struct ovsdb_symbol_table *symtab = ovsdb_symbol_table_create();
    struct ctl_context ctx;

    n_expectations = 0;
    if (dry_run) {
        ovsdb_idl_txn_set_dry_run(txn);
    }
    ovsdb_idl_txn_add_comment(txn, "overlay-ctl: %s", args);

    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(idl);
    if (!ovs && !only_reads(commands, n_commands)) {
        ovs = ovsrec_open_vswitch_insert(txn);
    }
    if (ovs && wait_for_reload) {
        ovsdb_idl_txn_increment(txn, &ovs->header_,
                                &ovsrec_open_vswitch_col_next_cfg, false);
    }

    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        ds_init(&c->output);
        c->table = NULL;
    }
    ctl_context_init(&ctx, NULL, idl, txn, symtab, NULL);
    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        ctl_context_init_command(&ctx, c, c == &commands[n_commands - 1]);
        if (c->syntax->run) {
            c->syntax->run(&ctx);
        }
        if (ctx.error) {
            ctl_fatal("%s", ctx.error);
        }
        ctl_context_done_command(&ctx, c);
        if (ctx.try_again) {
            ctl_context_done(&ctx, NULL);
            goto try_again;
        }
    }
    ctl_context_done(&ctx, NULL);
    check_symbols(symtab);

    status = commit(txn);
    switch (status) {
    case TXN_UNCOMMITTED:
    case TXN_INCOMPLETE:
        OVS_NOT_REACHED();
    case TXN_ABORTED:
        ctl_fatal("transaction aborted");
    case TXN_NOT_LOCKED:
        ctl_fatal("database not locked");
    case TXN_ERROR:
        ctl_fatal("transaction error: %s", ovsdb_idl_txn_get_error(txn));
    case TXN_TRY_AGAIN:
        goto try_again;
    case TXN_UNCHANGED:
    case TXN_SUCCESS:
        break;
    }

    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        if (c->syntax->postprocess) {
            ctl_context_init(&ctx, c, idl, txn, symtab, NULL);
            c->syntax->postprocess(&ctx);
            if (ctx.error) {
                ctl_fatal("%s", ctx.error);
            }
            ctl_context_done(&ctx, c);
        }
    }
    ovsdb_symbol_table_destroy(symtab);

    for (struct ctl_command *c = commands; c < &commands[n_commands]; c++) {
        print_output(c);
        shash_destroy_free_data(&c->options);
    }
    destroy_output(commands, n_commands);
    free(commands);
    fflush(stdout);

    if (wait_for_reload && !dry_run && status == TXN_SUCCESS) {
        wait_for_daemon(idl, ovsdb_idl_txn_get_increment_new_value(txn));
        report_errors(idl, txn);
    }
    ovsdb_idl_txn_destroy(txn);
    ovsdb_idl_destroy(idl);
    free(expectations);
    return true;

try_again:
    ovsdb_idl_txn_abort(txn);
    ovsdb_idl_txn_destroy(txn);
    the_idl_txn = NULL;
    ovsdb_symbol_table_destroy(symtab);
    destroy_output(commands, n_commands);
    return false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/freeze.c - a guest's file systems, or all of it, stand still for a moment
 *
 * Two processes and a socket between them. The other one, the keeper, does all
 * that touches the guest. It ends with the socket, and lets the guest go on before
 * that; signals of a terminal do not reach it.
 */
#include "config.h"

#include "agent/cli/freeze.h"

#include "agent/virt/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A guest that stands still for longer than this has been disturbed enough. */
#define FROZEN_MAX_MS (20 * 1000)
/* libvirt itself gives an agent that says nothing five seconds. */
#define ANSWER_MS (60 * 1000)

typedef enum {
    SAYS_FREEZE,
    SAYS_THAW,
    SAYS_DONE, /* frozen says how */
    SAYS_FAILED,
    SAYS_LATE, /* it went on before it was asked for */
} Says;

typedef struct {
    Says says;
    CmdFreezeWays ways;
    CmdFrozen frozen;
    int state; /* of CMD_IS_OFF: virDomainState */
    char uri[160];
    char uuid[40];
    char text[320];
} Message;

struct CmdFreeze {
    int fd;
    pid_t pid;
    Message frozen; /* what was asked for, and what became of it */
    bool lost;      /* the keeper has not answered */
};

bool
cmd_freeze_is_absent(int code)
{
    switch (code) {
    case VIR_ERR_ARGUMENT_UNSUPPORTED: /* none is configured */
    case VIR_ERR_AGENT_UNRESPONSIVE:   /* it does not run */
    case VIR_ERR_AGENT_UNSYNCED:
    case VIR_ERR_OPERATION_INVALID: /* the guest does not run */
    case VIR_ERR_NO_SUPPORT:
        return true;
    default:
        return false;
    }
}

/* ---- the guest ------------------------------------------------------------------- */

static int
state_of(virDomainPtr domain)
{
    int state = VIR_DOMAIN_NOSTATE;

    return virDomainGetState(domain, &state, NULL, 0) < 0 ? VIR_DOMAIN_NOSTATE
                                                          : state;
}

static void
fail_by_libvirt(Message *said, const char *what)
{
    g_autoptr(GError) error = NULL;

    virt_fail(&error, "%s", what);
    said->says = SAYS_FAILED;
    g_strlcpy(said->text, error->message, sizeof(said->text));
}

static void
succeed(Message *said, CmdFrozen frozen)
{
    said->says = SAYS_DONE;
    said->frozen = frozen;
}

/* QEMU writes all that the guest has written before it says that it is paused. */
static void
pause_it(virDomainPtr domain, Message *said)
{
    if (virDomainSuspend(domain) < 0)
        fail_by_libvirt(said, "cannot pause it");
    else
        succeed(said, CMD_IS_PAUSED);
}

/* Without a guest agent text says why. */
static void
freeze_it(virDomainPtr domain, const Message *asked, Message *said)
{
    int state = state_of(domain);

    if (asked->ways & CMD_BY_PAUSE && state != VIR_DOMAIN_RUNNING &&
        state != VIR_DOMAIN_BLOCKED) {
        succeed(said, CMD_IS_OFF);
        said->state = state;
        return;
    }
    if (asked->ways & CMD_BY_AGENT) {
        if (virDomainFSFreeze(domain, NULL, 0, 0) >= 0) {
            succeed(said, CMD_IS_FROZEN);
            return;
        }
        bool absent = cmd_freeze_is_absent(virGetLastErrorCode());

        fail_by_libvirt(said, "cannot freeze");
        if (!absent)
            return;
        succeed(said, CMD_RUNS_ON);
    }
    if (asked->ways & CMD_BY_PAUSE)
        pause_it(domain, said);
}

/* Who else has resumed it did so before there was all that was wanted. */
static void
resume(virDomainPtr domain, Message *said)
{
    if (virDomainResume(domain) >= 0)
        said->says = SAYS_DONE;
    else if (state_of(domain) == VIR_DOMAIN_RUNNING)
        said->says = SAYS_LATE;
    else
        fail_by_libvirt(said, "cannot resume it");
}

static void
let_go(virDomainPtr domain, const Message *asked, Message *said)
{
    said->says = SAYS_DONE;
    switch (asked->frozen) {
    case CMD_IS_FROZEN:
        if (virDomainFSThaw(domain, NULL, 0, 0) < 0)
            fail_by_libvirt(said, "cannot thaw");
        break;
    case CMD_IS_PAUSED:
        resume(domain, said);
        break;
    case CMD_IS_OFF:
        if (state_of(domain) != asked->state)
            said->says = SAYS_LATE;
        break;
    case CMD_RUNS_ON:
        break;
    }
}

static void
touch_guest(const Message *asked, Message *said)
{
    g_autoptr(virConnect) conn = NULL;
    g_autoptr(virDomain) domain = NULL;

    virt_quiet();
    conn = virConnectOpen(asked->uri);
    if (conn)
        domain = virDomainLookupByUUIDString(conn, asked->uuid);
    if (!domain)
        fail_by_libvirt(said, "cannot reach it");
    else if (asked->says == SAYS_FREEZE)
        freeze_it(domain, asked, said);
    else
        let_go(domain, asked, said);
}

/* ---- the keeper ------------------------------------------------------------------ */

typedef struct {
    int fd;
    bool late;
    Message held; /* how the guest stands still, as it is to be let go */
} Keeper;

/* false: the other one is gone. */
static bool
receive(int fd, Message *ret_message)
{
    Message message;
    ssize_t got;

    do {
        got = recv(fd, &message, sizeof(message), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(message))
        return false;
    *ret_message = message;
    return true;
}

static void
thaw(Keeper *keeper, Message *said)
{
    touch_guest(&keeper->held, said);
    keeper->held.frozen = CMD_RUNS_ON;
}

static void
hold(Keeper *keeper, const Message *asked, CmdFrozen frozen, int state)
{
    keeper->held = *asked;
    keeper->held.says = SAYS_THAW;
    keeper->held.frozen = frozen;
    keeper->held.state = state;
}

/* One that failed may have frozen a part, or may be about to. */
static void
answer_freeze(Keeper *keeper, const Message *asked, Message *said)
{
    Message nothing = {0};

    keeper->late = false;
    touch_guest(asked, said);
    hold(keeper, asked, said->frozen, said->state);
    if (said->says != SAYS_FAILED || !(asked->ways & CMD_BY_AGENT))
        return;
    hold(keeper, asked, CMD_IS_FROZEN, 0);
    thaw(keeper, &nothing);
}

static void
answer_thaw(Keeper *keeper, Message *said)
{
    said->says = keeper->late ? SAYS_LATE : SAYS_DONE;
    if (keeper->held.frozen != CMD_RUNS_ON)
        thaw(keeper, said);
}

static bool
is_disturbed(const Keeper *keeper)
{
    return keeper->held.frozen == CMD_IS_FROZEN ||
           keeper->held.frozen == CMD_IS_PAUSED;
}

static void
wait_for_word(Keeper *keeper)
{
    struct pollfd poll_fd = {.fd = keeper->fd, .events = POLLIN};
    Message nothing = {0};

    if (!is_disturbed(keeper) || poll(&poll_fd, 1, FROZEN_MAX_MS) != 0)
        return;
    thaw(keeper, &nothing);
    keeper->late = true;
}

static void
keep(int fd)
{
    Keeper keeper = {.fd = fd};
    g_autofree Message *asked = g_new0(Message, 1);
    g_autofree Message *said = g_new0(Message, 1);

    for (;;) {
        wait_for_word(&keeper);
        if (!receive(fd, asked))
            break;
        *said = (Message){0};
        if (asked->says == SAYS_FREEZE)
            answer_freeze(&keeper, asked, said);
        else
            answer_thaw(&keeper, said);
        (void)send(fd, said, sizeof(*said), MSG_NOSIGNAL);
    }
    if (is_disturbed(&keeper))
        thaw(&keeper, said);
}

/* Who reads remora's output to its end must not wait for a guest agent that says
 * nothing. */
static void
leave_output(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = STDIN_FILENO; fd >= 0 && i <= STDERR_FILENO; i++)
        (void)dup2(fd, i);
}

/* A session of its own: what ends a whole group of processes must not end it. */
static void
be_keeper(int fd)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    leave_output();
    (void)setsid();
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        (void)signal(numbers[i], SIG_IGN);
    keep(fd);
    _exit(0);
}

/* ---- who asks --------------------------------------------------------------------- */

CmdFreeze *
cmd_freeze_new(GError **error)
{
    CmdFreeze *freeze;
    int fds[2];
    pid_t pid = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
        pid = fork();
        if (pid == 0) {
            (void)close(fds[0]);
            be_keeper(fds[1]);
        }
        (void)close(fds[1]);
    }
    if (pid < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot start a process to thaw the guest: %s",
                    g_strerror(errno));
        return NULL;
    }
    freeze = g_new0(CmdFreeze, 1);
    freeze->fd = fds[0];
    freeze->pid = pid;
    return freeze;
}

void
cmd_freeze_free(CmdFreeze *freeze)
{
    if (!freeze)
        return;
    (void)close(freeze->fd);
    /* One that hangs thaws when it hangs no more. */
    if (!freeze->lost)
        (void)waitpid(freeze->pid, NULL, 0);
    g_free(freeze);
}

static bool
ask(CmdFreeze *freeze, const Message *asked, Message *said)
{
    struct pollfd poll_fd = {.fd = freeze->fd, .events = POLLIN};

    if (!freeze->lost)
        freeze->lost =
            send(freeze->fd, asked, sizeof(*asked), MSG_NOSIGNAL) < 0 ||
            poll(&poll_fd, 1, ANSWER_MS) <= 0 || !receive(freeze->fd, said);
    return !freeze->lost;
}

static gboolean
fail(GError **error, const char *text, const char *next)
{
    g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED, "%s%s", text, next);
    return FALSE;
}

gboolean
cmd_freeze_begin(CmdFreeze *freeze,
                 const char *uri,
                 const char *uuid,
                 CmdFreezeWays ways,
                 CmdFrozen *ret_frozen,
                 char **ret_why,
                 GError **error)
{
    Message said = {0};

    freeze->frozen = (Message){.says = SAYS_FREEZE, .ways = ways};
    g_strlcpy(freeze->frozen.uri, uri, sizeof(freeze->frozen.uri));
    g_strlcpy(freeze->frozen.uuid, uuid, sizeof(freeze->frozen.uuid));
    if (!ask(freeze, &freeze->frozen, &said))
        return fail(error, "the guest does not stand still in time",
                    ": see to its guest agent, or leave that out "
                    "(--no-freeze)");
    freeze->frozen.frozen = said.frozen;
    freeze->frozen.state = said.state;
    if (said.says != SAYS_DONE)
        return fail(error, said.text,
                    ways & CMD_BY_AGENT
                        ? ": if it is frozen already, thaw it (virsh "
                          "domfsthaw), or leave that out (--no-freeze)"
                        : "");
    *ret_frozen = said.frozen;
    *ret_why = said.text[0] ? g_strdup(said.text) : NULL;
    return TRUE;
}

gboolean
cmd_freeze_end(CmdFreeze *freeze, GError **error)
{
    Message asked = freeze->frozen;
    Message said = {0};
    bool paused = asked.frozen == CMD_IS_PAUSED;

    asked.says = SAYS_THAW;
    /* Without its keeper it is let go here. */
    if (!ask(freeze, &asked, &said))
        touch_guest(&asked, &said);
    if (said.says == SAYS_LATE)
        return fail(error, "the guest went on before there was a snapshot",
                    ": try again, in a minute if a client of the disk has "
                    "died");
    return said.says == SAYS_DONE ||
           fail(error, said.text,
                paused ? ": resume it (virsh resume)"
                       : ": thaw it (virsh domfsthaw)");
}

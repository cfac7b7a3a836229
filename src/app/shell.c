/* The serial shell: see shell.h. Its keys are among those of MicroPython's readline. */
#include "app/shell.h"

#include <stddef.h>

#include "app/console.h"
#include "whim/port.h"

#define CTRL(letter) ((letter) - 'A' + 1)

enum { BACKSPACE = '\b', ESCAPE = 0x1b, DELETE = 0x7f };
enum { AT_ONCE = 16 }; /* bytes at most that one poll takes */

static void put(uint32_t character)
{
    const char text[2] = {(char)character, '\0'};
    console_text(text);
}

void shell_show(const struct shell *shell)
{
    console_text(">>> ");
    if (shell->length) console_text(shell->line);
}

static void erase(struct shell *shell)
{
    if (!shell->length) return;
    shell->line[--shell->length] = '\0';
    console_text("\b \b");
}

/* The argument in `line` if it calls the command that `help` describes, or NULL. */
static const char *argument(const char *line, const char *help)
{
    while (*help != ' ' && *line == *help) line++, help++;
    if (*help != ' ' || (*line && *line != ' ')) return NULL;
    while (*line == ' ') line++;
    return *line && help[1] != '[' ? NULL : line;
}

bool shell_interrupted(const struct shell *shell)
{
    return shell->before == CTRL('C');
}

const struct shell_command *shell_find(const struct shell_command *commands, const char **line)
{
    const struct shell_command *command = commands;
    const char *rest = NULL;
    while (**line == ' ') ++*line;
    if (!**line) return NULL;
    while (command->help && !(rest = argument(*line, command->help))) command++;
    *line = rest;
    if (command->run) return command;
    if (!rest) {
        console_text("unknown: try help\n");
        return NULL;
    }
    for (; commands->help; commands++) {
        console_text(commands->help);
        console_text("\n");
    }
    return NULL;
}

/* A byte that begins an escape sequence, or goes on with it, does nothing else; but if it ends that
 * of the key Up, the line before is back. */
static void sequence(struct shell *shell, uint32_t byte)
{
    if (byte < '@' || byte == '[' || byte == 'O') shell->before = ESCAPE;
    if (byte != 'A' || shell->length) return;
    while (shell->line[shell->length]) put((uint8_t)shell->line[shell->length++]);
}

/* Whether `byte` ends the line. */
static bool take(struct shell *shell, uint32_t byte)
{
    uint32_t before = shell->before;
    shell->before = (uint8_t)byte;
    if (before == ESCAPE && byte >= ' ') {
        sequence(shell, byte);
    } else if (byte >= ' ' && byte < DELETE) {
        if (shell->length == SHELL_LINE) {
            byte = '\a';
        } else {
            shell->line[shell->length++] = (char)byte;
            shell->line[shell->length] = '\0';
        }
        put(byte);
    } else if (byte == BACKSPACE || byte == DELETE) {
        erase(shell);
    } else if (byte == CTRL('U')) {
        while (shell->length) erase(shell);
    } else if (byte == CTRL('D') && !shell->length) {
        console_text("\nsoft reboot\n");
        port_restart();
    } else if (byte == CTRL('C')) {
        shell->length = 0;
        shell->line[0] = '\0';
        return true;
    } else {
        return byte == '\r' || (byte == '\n' && before != '\r');
    }
    return false;
}

const char *shell_poll(struct shell *shell)
{
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        int byte = port_console_read();
        if (byte < 0) break;
        if (!take(shell, (uint32_t)byte)) continue;
        const char *line = shell->length ? shell->line : "";
        console_text("\n");
        if (shell->length == SHELL_LINE) {
            console_text("too long\n");
            line = "";
        }
        shell->length = 0;
        return line;
    }
    return NULL;
}

/* The serial shell: a prompt, a line to edit, commands. It has the manners of MicroPython's REPL,
 * as far as they go into a kilobyte. docs/SHELL.md is written for whoever types. */
#ifndef APP_SHELL_H
#define APP_SHELL_H

#include <stdbool.h>
#include <stdint.h>

enum { SHELL_LINE = 31 }; /* characters of a line; one that gets so long is refused */

/* The line being typed; all zero at first. */
struct shell {
    char line[SHELL_LINE + 1]; /* ends in '\0'; while `length` is 0, the line before */
    uint8_t length;
    uint8_t before; /* the byte before; ESCAPE until an escape sequence ends */
};

/* A command. `help` begins with its name; "[" after the name and a space says that it takes an
 * argument. `run` gets the argument, "" if there is none; where it is NULL, the command is help. */
struct shell_command {
    const char *help;
    void (*run)(const char *argument);
};

/* Take some of what has been typed, if anything. Answers the line that it ends, "" for one that is
 * empty, abandoned or too long, or else NULL; it is valid until the next poll. Never waits, and
 * returns after a few bytes at the latest, so that noise cannot keep the caller from its work. */
const char *shell_poll(struct shell *shell);

/* Whether Ctrl-C ended the line. */
bool shell_interrupted(const struct shell *shell);

/* Find the command that `*line` calls, and make of `*line` its argument. `commands` end with one
 * whose `help` is NULL. Where there is none to be run, says so or lists them all, and answers NULL.
 * Running it is left to the caller, so that a command has more of the stack. */
const struct shell_command *shell_find(const struct shell_command *commands, const char **line);

/* The prompt, and behind it what was being typed: for the start, after each line, and after what is
 * written between two polls, which should begin on a line of its own. */
void shell_show(const struct shell *shell);

#endif

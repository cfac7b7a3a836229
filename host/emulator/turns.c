/* Two cores on one board: they take turns.
 *
 * Time goes on in steps. While both cores are awake a step is at most a microsecond, on a grid that
 * begins with time itself; while one sleeps, the other's turn lasts until the next event. At the
 * end of a step events are done, and sleepers look whether they may wake. A core that wakes the
 * other, or schedules an event, ends the step there. So a message takes a microsecond at most, as
 * long as its receiver computes, and no time at all where it sleeps; and nothing depends on where
 * the host's runs begin and end. */
#include "board.h"

enum { STEP_US = 1 };

bool turns_service(struct board *board)
{
    struct core *core = board->core;

    if (board->reset_flags && board->turn > core_ticks(core)) board->turn = core_ticks(core);
    if (board->stop || board->reset_flags) return false;
    if (core->waiting && !board_awake(board, core)) return false;
    if (core_ticks(core) >= board->turn) return false;
    board_interrupt(board);
    if (board->stop) return false;
    board->limit = core_cycle_of(core, board->turn);
    if (board->limit == core->cycles) board->limit++;
    return true;
}

/* A sleeper's clock goes on as well, up to what the other may have done. */
void turns_catch_up(struct board *board, struct core *core)
{
    uint64_t cycle = core_cycle_of(core, board_ticks(board));
    if (core->waiting) core->slept += cycle - core->cycles; /* before it is started, too */
    core->cycles = cycle;
}

/* How many are awake. */
static unsigned wake(struct board *board)
{
    unsigned awake = 0;
    for (unsigned i = 0; i < board->core_count; i++) {
        struct core *core = &board->cores[i];
        if (core->waiting) {
            turns_catch_up(board, core);
            if (!board_awake(board, core)) continue;
        }
        awake++;
    }
    return awake;
}

static uint64_t step_end(const struct board *board, unsigned awake)
{
    uint64_t end = board_next_event(board), step = (uint64_t)STEP_US * board->type->ticks_per_us;
    uint64_t grid = (board->now / step + 1) * step;
    if (awake > 1) return end < grid ? end : grid;
    return end < board->deadline ? end : board->deadline;
}

/* Each core that is awake goes on until the step's end, which moves nearer when it wakes the other
 * or schedules something. */
static void step(struct board *board)
{
    unsigned awake = 0;
    uint64_t asleep = board->now;

    for (unsigned i = 0; i < board->core_count && !board->stop; i++) {
        board_choose(board, i);
        if (board->core->waiting) continue;
        board->turning = true;
        if (core_ticks(board->core) < board->turn) {
            board->cores[!i].reserves = false;
            board_attention(board);
            core_run(board);
        }
        if (board->latest < core_ticks(board->core)) board->latest = core_ticks(board->core);
        board->turning = false;
        if (board->core->waiting) {
            if (asleep < core_ticks(board->core)) asleep = core_ticks(board->core);
        } else {
            awake++;
        }
    }
    if (!awake && asleep < board->turn) board->turn = asleep;
    for (unsigned i = 0; i < board->core_count && board->stop; i++) { /* not all had their turn */
        const struct core *core = &board->cores[i];
        if (!core->waiting && core_ticks(core) < board->turn) board->turn = core_ticks(core);
    }
    if (board->now < board->turn) board->now = board->turn;
}

void turns_run(struct board *board)
{
    while (!board->stop) {
        unsigned awake;
        board_events(board);
        if (board->stop) return;
        if (board->reset_flags) {
            uint32_t flags = board->reset_flags;
            board->resets++;
            board->reset_flags = 0;
            chip_reset(board, flags);
        }
        awake = wake(board);
        if (board->now >= board->deadline) {
            board->stop = STOP_TIME;
            return;
        }
        board->turn = step_end(board, awake);
        if (awake) step(board);
        else board->now = board->turn;
    }
}

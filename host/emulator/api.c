/* What the outside calls: host/whim/board.py, by ctypes. Numbers only, no structs. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "board.h"

static void seed_noise(struct board *board, uint64_t noise)
{
    board->noise = noise * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 16; i++) board_noise(board); /* seeds that are alike come apart */
}

void board_card(struct board *board, const uint8_t *file, uint32_t bytes, uint64_t noise,
                int (*begins)(uint32_t, uint32_t), void (*ends)(uint64_t, uint64_t, uint64_t))
{
    board->card.file = file;
    board->card.bytes = board->card.registers[CARD_LENGTH] = bytes;
    board->card.bandwidth = 1;
    seed_noise(board, noise);
    board->world.card_begins = begins;
    board->world.card_ends = ends;
}

int board_profile_start(struct board *board)
{
    int all = 1;
    for (unsigned i = 0; i < board->core_count; i++) {
        struct memory *memory = board->view[i].memory, *same;
        for (struct memory *end = memory + board->view[i].count; memory < end; memory++) {
            for (same = board->view[i].memory; same->code != memory->code; same++) {}
            if (same == memory) {
                free(memory->profile);
                memory->profile = calloc(memory->size / 2, sizeof *memory->profile);
            }
            memory->profile = same->profile;
            all &= memory->profile != NULL;
        }
    }
    return all;
}

uint64_t board_core_profile(const struct board *board, unsigned core, uint32_t address, int cycles)
{
    for (unsigned i = 0; i < board->view[core].count; i++) {
        const struct memory *memory = &board->view[core].memory[i];
        const struct profile *here;
        if (address - memory->base >= memory->size) continue;
        here = &memory->profile[(address - memory->base) >> 1];
        return cycles ? here->cycles : here->instructions;
    }
    return 0;
}

void board_callbacks(struct board *board, int (*i2c)(int, int), void (*uart)(int))
{
    board->world.i2c = i2c;
    board->world.uart = uart;
}

static uint8_t *at(struct board *board, uint32_t address, uint32_t count)
{
    for (unsigned i = 0; i < board->core_count; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            struct memory *memory = &board->view[i].memory[j];
            uint32_t offset = address - memory->base;
            if (offset <= memory->size && count <= memory->size - offset) {
                return memory->bytes + offset;
            }
        }
    }
    return NULL;
}

int board_write(struct board *board, uint32_t address, const uint8_t *bytes, uint32_t count)
{
    uint8_t *place = at(board, address, count);
    if (!place) return 0;
    memcpy(place, bytes, count);
    for (unsigned i = 0; count && i < board->core_count; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            struct memory *memory = &board->view[i].memory[j];
            uintptr_t offset = (uintptr_t)place - (uintptr_t)memory->bytes;
            if (offset < memory->size) memory_written(memory, (uint32_t)offset, count);
        }
    }
    return 1;
}

int board_read(struct board *board, uint32_t address, uint8_t *bytes, uint32_t count)
{
    uint8_t *memory = at(board, address, count);
    if (!memory) return 0;
    memcpy(bytes, memory, count);
    return 1;
}

void board_power_on(struct board *board, uint64_t noise)
{
    bool slot = board->type == &chip_ch32h417;
    if (slot && board->power_ons) h417_slot_power(board, false);
    seed_noise(board, noise);
    board->power_ons++;
    for (unsigned i = 0; i < board->core_count; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            struct memory *memory = &board->view[i].memory[j];
            if (!memory->writable || board_sees_twice(board, i, memory)) continue;
            for (uint32_t k = 0; k < memory->size; k++) {
                memory->bytes[k] = (uint8_t)board_noise(board);
            }
        }
        board->cores[i].lowest_sp = board->view[i].memory[0].size;
    }
    board_forget(board, true);
    board->stop = STOP_NONE;
    board->typed_count = 0;
    board->reset_flags = 0;
    board->type->reset(board, 0x0c000000);
    board->value[board->type->watchdog.status] = 0x0c000000; /* and no older flags */
    if (slot) h417_slot_power(board, true);
}

void board_reset(struct board *board, uint32_t flags)
{
    board->stop = STOP_NONE;
    chip_reset(board, flags);
}

/* The time that all of the board has reached. */
static uint64_t reached(const struct board *board)
{
    return board->core_count > 1 && !board->turning ? board->now : board_ticks(board);
}

int board_run(struct board *board, uint64_t ticks)
{
    board->stop = STOP_NONE;
    board->deadline = ticks == NEVER ? NEVER : reached(board) + ticks;
    board_attention(board);
    if (board->core_count > 1) turns_run(board);
    else core_run(board);
    return board->stop;
}

void board_halt(struct board *board)
{
    if (!board->stop) board->stop = STOP_HOST;
    board_attention(board);
}

uint64_t board_core_figure(const struct board *board, unsigned number, int figure)
{
    const struct core *core = &board->cores[number];
    switch (figure) {
    case FIGURE_TICKS: return reached(board);
    case FIGURE_CYCLES: return core->cycles;
    case FIGURE_SLEPT: return core->slept;
    case FIGURE_RETIRED: return core->retired;
    case FIGURE_HERTZ:
        if (!board->type) return BENCH_HERTZ;
        return (uint64_t)board->type->ticks_per_us * 1000000 / core->clock.ticks_per_cycle;
    case FIGURE_RESETS: return board->resets;
    case FIGURE_LOWEST_SP: return core->lowest_sp;
    case FIGURE_PC: return core->pc;
    case FIGURE_FAULT_PC: return board->fault_pc;
    case FIGURE_FAULT_ADDRESS: return board->fault_address;
    case FIGURE_WAITING: return core->waiting;
    case FIGURE_FAULT_CORE: return board->fault_core;
    case FIGURE_STARTED: return core->waiting != WAIT_START;
    case FIGURE_LOWEST_SP_ADDRESS: return board->view[number].memory[0].base + core->lowest_sp;
    }
    return 0;
}

uint64_t board_figure(const struct board *board, int figure)
{
    return board_core_figure(board, 0, figure);
}

uint32_t board_core_x(const struct board *board, unsigned core, unsigned number)
{
    return board->cores[core].x[number & 31];
}

uint32_t board_x(const struct board *board, unsigned number)
{
    return board_core_x(board, 0, number);
}

void board_set_pc(struct board *board, uint32_t pc) { board->cores[0].pc = pc; }

const char *board_fault_text(const struct board *board) { return board->fault; }

const char *board_core_cycle_model(const struct board *board, unsigned core)
{
    return core_model(&board->cores[core])->name;
}

const char *board_cycle_model(const struct board *board)
{
    return board_core_cycle_model(board, 0);
}

void board_option(struct board *board, int option, uint32_t value)
{
    if (board->type == &chip_ch32h417 && h417_slot_option(board, option, value)) return;
    switch (option) {
    case OPTION_DELIVER_FAULTS: board->deliver_faults = value; break;
    case OPTION_STACK_LIMIT: board->cores[0].stack_limit = value; break;
    case OPTION_STACK_LIMIT_V5F: board->cores[V5F].stack_limit = value; break;
    case OPTION_RNG_FAULT: board->rng_fault = value; break;
    case OPTION_I2C_STUCK: board->i2c_stuck = value; break;
    case OPTION_ADC_NOISE: board->adc_noise = value; break;
    case OPTION_LSI_JITTER: board->lsi_jitter = value; break;
    case OPTION_LSI_STOPPED: board->lsi_stopped = value; break;
    case OPTION_CARD_LENGTH: board->card.registers[CARD_LENGTH] = value; break;
    case OPTION_CARD_BANDWIDTH: board->card.bandwidth = value ? value : 1; break;
    case OPTION_CARD_LATENCY: board->card.latency = value; break;
    case OPTION_CARD_PAUSE: board->card.pause = value; break;
    case OPTION_CARD_PAUSE_CHANCE: board->card.pause_chance = value; break;
    }
}

int board_drive(struct board *board, uint64_t ticks, unsigned port, unsigned pin, unsigned drive)
{
    uint32_t place = board->change_count;
    if (place == MAX_CHANGES || port >= PORTS || pin >= PINS) return 0;
    while (place && board->changes[place - 1].ticks > ticks) {
        board->changes[place] = board->changes[place - 1];
        place--;
    }
    board->changes[place].ticks = ticks;
    board->changes[place].port = (uint8_t)port;
    board->changes[place].pin = (uint8_t)pin;
    board->changes[place].drive = (uint8_t)drive;
    board->change_count++;
    chip_schedule(board, EVENT_WORLD, board->changes[0].ticks);
    return 1;
}

void board_release(struct board *board) { board->change_count = 0; }

uint32_t board_type(struct board *board, const uint8_t *bytes, uint32_t count)
{
    uint32_t taken = 0;
    while (taken < count && board->typed_count < MAX_TYPED) {
        board->typed[(board->typed_first + board->typed_count++) % MAX_TYPED] = bytes[taken++];
    }
    usart_typed(board);
    return taken;
}

int board_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                   uint32_t *reset)
{
    return bus_register(&chip_ch32v003, index, name, address, bits, reset);
}

int board_register_ch32v002(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                            uint32_t *reset)
{
    return bus_register(&chip_ch32v002, index, name, address, bits, reset);
}

int board_register_ch32h417(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                            uint32_t *reset)
{
    return bus_register(&chip_ch32h417, index, name, address, bits, reset);
}

/* What the outside calls: host/whim/board.py, by ctypes. Numbers only, no structs. */
#include "api.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

enum { FLASH_BYTES = 16 * 1024, RAM_BYTES = 2 * 1024, KB = 1024 };

static int add(struct board *board, const char *name, uint32_t base, uint32_t size, bool flash)
{
    struct memory *memory = &board->memory[board->memory_count++];
    memory->name = name;
    memory->base = base;
    memory->size = size;
    memory->flash = flash;
    memory->writable = !flash;
    memory->bytes = malloc(size);
    memory->code = calloc(size / 2, sizeof *memory->code);
    if (!memory->bytes || !memory->code) return 0;
    memset(memory->bytes, flash ? 0xff : 0, size);
    return 1;
}

static void seed_noise(struct board *board, uint64_t noise)
{
    board->noise = noise * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 16; i++) board_noise(board); /* seeds that are alike come apart */
}

struct board *board_new_bare(uint32_t isa, uint32_t base, uint32_t bytes)
{
    struct board *board = calloc(1, sizeof *board);
    if (!board) return NULL;
    board->core.isa = isa;
    board->core.bare = true;
    board->ticks_per_cycle = 1;
    for (unsigned event = 0; event < EVENTS; event++) board->chip.due[event] = NEVER;
    if (!add(board, "RAM", base, bytes, false)) {
        board_free(board);
        return NULL;
    }
    core_reset(&board->core, base);
    return board;
}

struct board *board_new_ch32v003(void)
{
    struct board *board = calloc(1, sizeof *board);
    if (!board) return NULL;
    board->core.isa = ISA_E | ISA_C;
    board->core.model = MODEL_QINGKE_V2A;
    board->noise = 1;
    board->adc_noise = 6;
    board->lsi_jitter = 60;
    board->ticks_per_cycle = 6;
    memset(board->drive, DRIVE_NONE, sizeof board->drive);
    board->drive[PORT_C][1] = board->drive[PORT_C][2] = DRIVE_PULLED_UP;
    if (!add(board, "RAM", 0x20000000, RAM_BYTES, false) ||
        !add(board, "flash", 0x00000000, FLASH_BYTES, true)) {
        board_free(board);
        return NULL;
    }
    board->memory[2] = board->memory[1]; /* the same, seen elsewhere */
    board->memory[2].base = 0x08000000;
    board->memory_count = 3;
    return board;
}

struct board *board_new_bench(void)
{
    struct board *board = board_new_bare(ISA_M | ISA_C, 0x200c0000, 256 * KB);
    if (!board) return NULL;
    board->memory[0].name = "DTCM";
    board->core.model = MODEL_QINGKE_V5F;
    if (!add(board, "ITCM", 0x200a0000, 128 * KB, false) ||
        !add(board, "shared SRAM", 0x20100000, 512 * KB, false)) {
        board_free(board);
        return NULL;
    }
    board->memory[CARD_REACHES].wait = 8;
    board->core.lowest_sp = board->memory[0].size;
    return board;
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

void board_free(struct board *board)
{
    for (unsigned i = 0; board && i < board->memory_count; i++) {
        if (i && board->memory[i].bytes == board->memory[i - 1].bytes) continue; /* seen twice */
        free(board->memory[i].bytes);
        free(board->memory[i].code);
    }
    if (board) free(board->profile);
    free(board);
}

int board_profile_start(struct board *board)
{
    uint32_t count = board->memory[1].size / 2;
    free(board->profile);
    board->profile = calloc(count, sizeof *board->profile);
    return board->profile != NULL;
}

uint64_t board_profile(const struct board *board, uint32_t place, int cycles)
{
    const struct profile *here = &board->profile[place];
    return cycles ? here->cycles : here->instructions;
}

void board_callbacks(struct board *board, int (*i2c)(int, int), void (*uart)(int))
{
    board->world.i2c = i2c;
    board->world.uart = uart;
}

static void forget_code(struct board *board)
{
    for (unsigned i = 0; i < board->memory_count; i++) {
        memset(board->memory[i].code, 0, board->memory[i].size / 2 * sizeof(struct op));
    }
}

static uint8_t *at(struct board *board, uint32_t address, uint32_t count)
{
    for (unsigned i = 0; i < board->memory_count; i++) {
        struct memory *memory = &board->memory[i];
        uint32_t offset = address - memory->base;
        if (offset <= memory->size && count <= memory->size - offset) return memory->bytes + offset;
    }
    return NULL;
}

int board_write(struct board *board, uint32_t address, const uint8_t *bytes, uint32_t count)
{
    uint8_t *memory = at(board, address, count);
    if (!memory) return 0;
    memcpy(memory, bytes, count);
    forget_code(board);
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
    seed_noise(board, noise);
    board->power_ons++;
    for (uint32_t i = 0; i < board->memory[0].size; i++) {
        board->memory[0].bytes[i] = (uint8_t)board_noise(board);
    }
    forget_code(board);
    board->stop = STOP_NONE;
    board->core.lowest_sp = board->memory[0].size;
    board->chip.value[RCC_RSTSCKR] = 0;
    board->typed_count = 0;
    chip_reset(board, 0x0c000000);
}

void board_reset(struct board *board, uint32_t flags)
{
    board->stop = STOP_NONE;
    chip_reset(board, flags);
}

int board_run(struct board *board, uint64_t ticks)
{
    board->stop = STOP_NONE;
    board->deadline = ticks == NEVER ? NEVER : board_ticks(board) + ticks;
    board_attention(board);
    core_run(board);
    return board->stop;
}

void board_halt(struct board *board)
{
    if (!board->stop) board->stop = STOP_HOST;
    board_attention(board);
}

uint64_t board_figure(const struct board *board, int figure)
{
    switch (figure) {
    case FIGURE_TICKS: return board_ticks(board);
    case FIGURE_CYCLES: return board->core.cycles;
    case FIGURE_SLEPT: return board->core.slept;
    case FIGURE_RETIRED: return board->core.retired;
    case FIGURE_HERTZ: return chip_hertz(board);
    case FIGURE_RESETS: return board->resets;
    case FIGURE_LOWEST_SP: return board->core.lowest_sp;
    case FIGURE_PC: return board->core.pc;
    case FIGURE_FAULT_PC: return board->fault_pc;
    case FIGURE_FAULT_ADDRESS: return board->fault_address;
    case FIGURE_WAITING: return board->core.waiting;
    }
    return 0;
}

uint32_t board_x(const struct board *board, unsigned number)
{
    return board->core.x[number & 31];
}

void board_set_pc(struct board *board, uint32_t pc) { board->core.pc = pc; }

const char *board_fault_text(const struct board *board) { return board->fault; }

const char *board_cycle_model(const struct board *board)
{
    return core_model(&board->core)->name;
}

void board_option(struct board *board, int option, uint32_t value)
{
    switch (option) {
    case OPTION_DELIVER_FAULTS: board->deliver_faults = value; break;
    case OPTION_STACK_LIMIT: board->stack_limit = value; break;
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
    if (place == MAX_CHANGES || port >= PORTS || pin > 7) return 0;
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

static const size_t kept = offsetof(struct board, memory);

uint32_t board_snapshot_bytes(const struct board *board)
{
    return (uint32_t)kept + board->memory[0].size;
}

void board_snapshot(const struct board *board, uint8_t *bytes)
{
    memcpy(bytes, board, kept);
    memcpy(bytes + kept, board->memory[0].bytes, board->memory[0].size);
}

void board_restore(struct board *board, const uint8_t *bytes)
{
    memcpy(board, bytes, kept);
    memcpy(board->memory[0].bytes, bytes + kept, board->memory[0].size);
    memset(board->memory[0].code, 0, board->memory[0].size / 2 * sizeof(struct op));
    board->stop = STOP_NONE;
}

int board_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                   uint32_t *reset)
{
    return bus_register(index, name, address, bits, reset);
}

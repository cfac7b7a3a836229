/* Which boards there are: their cores, and the memories that each of them sees. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "board.h"

enum { KB = 1024, FLASH_BYTES = 16 * KB };

/* A core sees a new memory. */
static int add(struct board *board, unsigned core, const char *name, uint32_t base, uint32_t size,
               bool flash)
{
    struct memory *memory = &board->view[core].memory[board->view[core].count++];
    memory->name = name;
    memory->base = base;
    memory->size = size;
    memory->flash = flash;
    memory->writable = !flash;
    memory->word_cycles = 1;
    memory->bytes = malloc(size);
    memory->code = calloc(size / 2, sizeof *memory->code);
    if (!memory->bytes || !memory->code) return 0;
    memset(memory->bytes, flash ? 0xff : 0, size);
    return 1;
}

/* It sees one that is there already, at `base`. */
static struct memory *share(struct board *board, unsigned core, const struct memory *memory,
                            uint32_t base)
{
    struct memory *seen = &board->view[core].memory[board->view[core].count++];
    *seen = *memory;
    seen->base = base;
    return seen;
}

static struct board *new_board(unsigned cores, unsigned isa, unsigned model, uint32_t length)
{
    struct board *board = calloc(1, sizeof *board);
    if (!board) return NULL;
    board->core_count = cores;
    board->bus.ticks_per_cycle = length;
    board->noise = 1;
    for (unsigned i = 0; i < cores; i++) {
        board->cores[i].number = (uint8_t)i;
        board->cores[i].isa = isa;
        board->cores[i].model = (uint8_t)model;
        board->cores[i].clock.ticks_per_cycle = length;
    }
    for (unsigned event = 0; event < EVENTS; event++) board->due[event] = NEVER;
    memset(board->drive, DRIVE_NONE, sizeof board->drive);
    board_choose(board, 0);
    return board;
}

/* All memories are there, or the board goes again. */
static struct board *complete(struct board *board, int all)
{
    if (!all) {
        board_free(board);
        return NULL;
    }
    board_choose(board, 0);
    return board;
}

struct board *board_new_bare(uint32_t isa, uint32_t base, uint32_t bytes)
{
    struct board *board = new_board(1, isa, MODEL_IDEAL, 1);
    if (!board) return NULL;
    board->cores[0].bare = true;
    board = complete(board, add(board, 0, "RAM", base, bytes, false));
    if (board) core_reset(board->core, base);
    return board;
}

static struct board *new_ch32v00(const struct chip_type *type, unsigned isa, unsigned model,
                                 uint32_t ram)
{
    struct board *board = new_board(1, ISA_E | ISA_C | isa, model, 6);
    if (!board) return NULL;
    board->type = type;
    board->adc_noise = 6;
    board->lsi_jitter = 60;
    board->drive[PORT_C][1] = board->drive[PORT_C][2] = DRIVE_PULLED_UP;
    board = complete(board, add(board, 0, "RAM", 0x20000000, ram, false) &&
                                add(board, 0, "flash", 0x00000000, FLASH_BYTES, true));
    if (!board) return NULL;
    share(board, 0, &board->memory[1], 0x08000000);
    return complete(board, 1);
}

struct board *board_new_ch32v003(void)
{
    return new_ch32v00(&chip_ch32v003, 0, MODEL_QINGKE_V2A, 2 * KB);
}

struct board *board_new_ch32v002(void)
{
    return new_ch32v00(&chip_ch32v002, ISA_ZMMUL, MODEL_QINGKE_V2C, 4 * KB);
}

struct board *board_new_bench(void)
{
    struct board *board = board_new_bare(ISA_M | ISA_C, 0x200c0000, 256 * KB);
    if (!board) return NULL;
    board->memory[0].name = "DTCM";
    board->core->model = MODEL_QINGKE_V5F;
    board = complete(board, add(board, 0, "ITCM", 0x200a0000, 128 * KB, false) &&
                                add(board, 0, "shared SRAM", 0x20100000, 512 * KB, false));
    if (!board) return NULL;
    board->memory[CARD_REACHES].wait = 8;
    board->core->lowest_sp = board->memory[0].size;
    return board;
}

/* V3F's stack and code are in shared SRAM, V5F's in memories of its own. What V5F decodes from
 * flash is kept apart: without its cache nothing of it is kept. */
struct board *board_new_ch32h417(void)
{
    struct board *board = new_board(2, ISA_CH32H417, MODEL_QINGKE_V3F, 16);
    struct memory *flash, *shared;
    int all;
    if (!board) return NULL;
    board->type = &chip_ch32h417;
    board->lsi_jitter = 500;
    board->cores[V5F].model = MODEL_QINGKE_V5F;
    board->drive[PORT_B][6] = board->drive[PORT_B][7] = DRIVE_PULLED_UP;
    all = add(board, V3F, "shared SRAM", 0x20100000, 512 * KB, false) &&
          add(board, V3F, "flash", 0x00000000, 960 * KB, true) &&
          add(board, V5F, "DTCM", 0x200c0000, 256 * KB, false) &&
          add(board, V5F, "ITCM", 0x200a0000, 128 * KB, false);
    if (!complete(board, all)) return NULL;
    share(board, V3F, &board->view[V3F].memory[1], 0x08000000);
    shared = share(board, V5F, &board->view[V3F].memory[0], 0x20100000);
    shared->wait = 8;
    shared->word_cycles = 9;
    flash = share(board, V5F, &board->view[V3F].memory[1], 0x00000000);
    flash->code = calloc(flash->size / 2, sizeof *flash->code);
    share(board, V5F, flash, 0x08000000);
    h417_slot_new(board);
    return complete(board, flash->code != NULL);
}

/* Free it, and forget it wherever a core sees it. */
static void free_everywhere(struct board *board, void *pointer)
{
    for (unsigned i = 0; i < MAX_CORES; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            struct memory *memory = &board->view[i].memory[j];
            if (memory->bytes == pointer) memory->bytes = NULL;
            if (memory->code == pointer) memory->code = NULL;
            if (memory->profile == pointer) memory->profile = NULL;
        }
    }
    free(pointer);
}

void board_free(struct board *board)
{
    if (!board) return;
    for (unsigned i = 0; i < MAX_CORES; i++) {
        struct view *view = &board->view[i];
        for (unsigned j = 0; j < view->count; j++) {
            if (view->memory[j].bytes) free_everywhere(board, view->memory[j].bytes);
            if (view->memory[j].code) free_everywhere(board, view->memory[j].code);
            if (view->memory[j].profile) free_everywhere(board, view->memory[j].profile);
        }
    }
    free(board);
}

bool board_sees_twice(const struct board *board, unsigned core, const struct memory *memory)
{
    for (unsigned i = 0; core && i < board->view[0].count; i++) {
        if (board->view[0].memory[i].bytes == memory->bytes) return true;
    }
    return false;
}

void board_forget(struct board *board, bool all)
{
    for (unsigned i = 0; i < board->core_count; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            struct memory *memory = &board->view[i].memory[j];
            if (all || memory->writable) memory_forget(memory);
        }
    }
}

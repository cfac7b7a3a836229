/* The phrase bank: its header and its entries, which nobody has to trust. docs/BANK.md names the
 * fields; host/whim/bank.py writes them. */
#include "engine/bytes.h"
#include "engine/crc.h"
#include "whim/audio.h"

enum { BANK_MAGIC = 0x4b4e4257 }; /* "WBNK" */
enum { BANK_VERSION = 1, LONGEST = 12 * WHIM_SAMPLE_RATE };

enum {
    BANK_MAGIC_AT = 0,
    BANK_CRC = 4,
    BANK_CRC_FROM = 8,
    BANK_FORMAT = 8, /* one byte each: version, moods, slots, choices */
    BANK_LENGTH = 12,
    BANK_RATE = 16,
    BANK_BLOCK = 18,
    BANK_HEADER = 64
};

enum {
    ENTRY_CRC = 0,
    ENTRY_CRC_FROM = 4,
    ENTRY_TAG = 4,
    ENTRY_OFFSET = 8,
    ENTRY_SAMPLES = 12,
    ENTRY_SOUND = 16,
    ENTRY_TEXT = 20
};

enum { FORMAT = BANK_VERSION | 2 << 8 | WHIM_VERDICT_SLOTS << 16 | 16 << 24 };
enum { BLOCK_SAMPLES = 1 + 2 * (WHIM_BANK_SECTOR - 4) };
enum { SOUND_FROM = WHIM_BANK_SECTOR + WHIM_FRAGMENTS * WHIM_BANK_ENTRY };

typedef char text_ends_the_entry[ENTRY_TEXT + WHIM_BANK_TEXT == WHIM_BANK_ENTRY ? 1 : -1];

void whim_verdict_fragments(uint32_t verdict, uint8_t fragments[WHIM_VERDICT_SLOTS])
{
    unsigned slot, mood = verdict >> 16 & 1;

    for (slot = 0; slot < WHIM_VERDICT_SLOTS; slot++)
        fragments[slot] = (uint8_t)(mood << 6 | slot << 4 | (verdict >> (12 - 4 * slot) & 15));
}

enum whim_status whim_bank_open(struct whim_bank *bank, const uint8_t *sector, uint32_t length)
{
    uint32_t crc;

    if ((uintptr_t)sector & 3) return WHIM_ERR_UNALIGNED;
    if (length < SOUND_FROM) return WHIM_ERR_TRUNCATED;
    if (load32(sector + BANK_MAGIC_AT) != BANK_MAGIC) return WHIM_ERR_MAGIC;
    if (sector[BANK_FORMAT] != BANK_VERSION) return WHIM_ERR_VERSION;
    crc = whim_crc32(sector + BANK_CRC_FROM, BANK_HEADER - BANK_CRC_FROM);
    if (crc != load32(sector + BANK_CRC)) return WHIM_ERR_CRC;
    if (length < load32(sector + BANK_LENGTH)) return WHIM_ERR_TRUNCATED;
    if (length > load32(sector + BANK_LENGTH)) return WHIM_ERR_OVERSIZED;
    if (load32(sector + BANK_FORMAT) != FORMAT || load16(sector + BANK_RATE) != WHIM_SAMPLE_RATE ||
        load16(sector + BANK_BLOCK) != WHIM_BANK_SECTOR)
        return WHIM_ERR_HEADER;
    bank->length = length;
    bank->tag = crc;
    return WHIM_OK;
}

const char *whim_bank_status_name(enum whim_status status)
{
    switch (status) {
    case WHIM_ERR_TRUNCATED: return "bank truncated";
    case WHIM_ERR_OVERSIZED: return "bank oversized";
    case WHIM_ERR_MAGIC: return "bank magic";
    case WHIM_ERR_VERSION: return "bank version";
    case WHIM_ERR_CRC: return "bank crc";
    case WHIM_ERR_HEADER: return "bank header";
    case WHIM_ERR_BOUNDS: return "bank bounds";
    default: return whim_status_name(status);
    }
}

uint32_t whim_bank_entry(unsigned number)
{
    return WHIM_BANK_SECTOR + WHIM_BANK_ENTRY * (uint32_t)number;
}

/* Printable, with a zero at the end and nothing behind it. */
static bool is_text(const uint8_t *text)
{
    unsigned i = 0;

    while (i < WHIM_BANK_TEXT && text[i] >= ' ' && text[i] <= '~') i++;
    if (!i || i == WHIM_BANK_TEXT) return false;
    while (i < WHIM_BANK_TEXT && !text[i]) i++;
    return i == WHIM_BANK_TEXT;
}

enum whim_status whim_bank_fragment(struct whim_fragment *fragment, const struct whim_bank *bank,
                                    unsigned number, const uint8_t *entry)
{
    uint32_t offset, samples, bytes;

    if ((uintptr_t)entry & 3) return WHIM_ERR_UNALIGNED;
    bytes = WHIM_BANK_ENTRY - ENTRY_CRC_FROM;
    if (whim_crc32(entry + ENTRY_CRC_FROM, bytes) != load32(entry + ENTRY_CRC) ||
        load32(entry + ENTRY_TAG) != bank->tag + (uint32_t)number)
        return WHIM_ERR_CRC;
    offset = load32(entry + ENTRY_OFFSET);
    samples = load32(entry + ENTRY_SAMPLES);
    if (samples < 1 || samples > LONGEST || !is_text(entry + ENTRY_TEXT)) return WHIM_ERR_HEADER;
    bytes = (samples + BLOCK_SAMPLES - 1) / BLOCK_SAMPLES * WHIM_BANK_SECTOR; /* <= 96,768 */
    if (offset % WHIM_BANK_SECTOR || offset < SOUND_FROM || offset > bank->length ||
        bytes > bank->length - offset)
        return WHIM_ERR_BOUNDS;
    fragment->offset = offset;
    fragment->bytes = bytes;
    fragment->samples = samples;
    fragment->crc = load32(entry + ENTRY_SOUND);
    __builtin_memcpy(fragment->text, entry + ENTRY_TEXT, WHIM_BANK_TEXT);
    return WHIM_OK;
}

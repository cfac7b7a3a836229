/* Installation mode: see installation.h. */
#include "app/installation.h"

#include "app/console.h"
#include "app/text.h"
#include "app/trouble.h"
#include "drivers/card.h"
#include "whim/port.h"

enum { SECTOR = 512, LOOKS = 4 };

static const uint16_t looks_ms[LOOKS] = {0, 1000, 3000, 10000}; /* since the start */

static struct {
    uint8_t sector[SECTOR] __attribute__((aligned(16)));
    struct card_file file;
    uint32_t seconds, since, wait; /* port_millis when it has begun to wait, and for how long */
    uint8_t looks;
    bool known, news; /* what the card says; something that it does not say yet */
} installation;

static void tell(void)
{
    if (installation.seconds) console_number("install ", (int32_t)installation.seconds);
    else console_text("install off");
    console_text("\n");
}

/* The number of seconds, 0 for "off", in the card's sector; false for anything else. */
static bool parse(uint32_t *seconds)
{
    const uint8_t *text = installation.sector, *last = text + SECTOR - 1;
    *seconds = 0;
    while (text < last && *text >= '0' && *text <= '9' && *seconds <= INSTALLATION_MOST) {
        *seconds = 10 * *seconds + (uint32_t)(*text++ - '0');
    }
    if (*text > ' ' && text > installation.sector) return false;
    if (text > installation.sector) return *seconds && *seconds <= INSTALLATION_MOST;
    return text[0] == 'o' && text[1] == 'f' && text[2] == 'f' && text[3] <= ' ';
}

static void look(void)
{
    struct whim_source *source = &installation.file.source;
    uint32_t seconds = 0;
    enum whim_status status = card_open(&installation.file, INSTALLATION_FILE);
    installation.known = status == WHIM_ERR_NO_FILE;
    if (status) return;
    status = card_read(source, 0, installation.sector, SECTOR);
    if (status) return;
    installation.known = true;
    if (!parse(&seconds)) {
        console_text("\ninstall: " INSTALLATION_FILE " has neither seconds nor off\n");
        return;
    }
    if (!seconds) return;
    installation.seconds = seconds;
    installation.wait = 0;
    console_text("\n");
    tell();
}

/* All of a sector, so that nothing else of the card changes once the file is there. */
void installation_save(void)
{
    if (!installation.news) return;
    installation.news = false;
    char text[12] = "off";
    uint32_t length = 0;
    if (installation.seconds) text_add_number(text, installation.seconds);
    for (; text[length]; length++) installation.sector[length] = (uint8_t)text[length];
    for (; length < SECTOR - 1; length++) installation.sector[length] = ' ';
    installation.sector[length] = '\n';
    trouble_doing("writing ", INSTALLATION_FILE);
    enum whim_status status = card_write(INSTALLATION_FILE, 0, installation.sector, SECTOR);
    if (status) trouble_note(status);
}

void installation_set(uint32_t seconds)
{
    installation.seconds = seconds;
    installation.wait = 0;
    installation.news = installation.known = true;
    tell();
}

bool installation_due(void)
{
    uint32_t now = port_millis();
    if (!installation.known && installation.looks < LOOKS &&
        now >= looks_ms[installation.looks]) {
        installation.looks++;
        look();
    }
    return installation.seconds && port_millis() - installation.since >= installation.wait;
}

void installation_rest(enum whim_status status)
{
    installation.since = port_millis();
    installation.wait = status ? INSTALLATION_RETRY_MS : 1000 * installation.seconds;
    if (!status && installation.looks == LOOKS) installation.looks--; /* there is a card, then */
}

uint32_t installation_seconds(void)
{
    return installation.seconds;
}

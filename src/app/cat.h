/* The cat: a generator on the card, streamed through two buffers, its picture on the display and
 * kept on the card. For boards with a card; all that it needs of RAM is reserved here.
 *
 * What goes wrong is told on the display and on the console, and answered. Nothing of it stays
 * behind: the next call starts anew, perhaps with another card. */
#ifndef APP_CAT_H
#define APP_CAT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/kept.h"
#include "drivers/button.h"
#include "whim/random.h"
#include "whim/status.h"

/* All of the cat's RAM in bytes; what of it is for the stream's two buffers together, and for the
 * structs; the arena has the rest. */
enum { CAT_RAM = 272 * 1024, CAT_BUFFERS = 48 * 1024, CAT_STATE = 4 * 1024 };
enum { CAT_ARENA = CAT_RAM - CAT_BUFFERS - CAT_STATE };

/* Draw a verdict from three bytes of `entropy`: its mood, then its choices in the four slots. Each
 * is as likely as any other. Errors: those of `entropy`. */
enum whim_status cat_verdict(whim_entropy *entropy, uint32_t *verdict);

/* Draw a latent and a verdict by chance, generate the cat, show it, tell the console, keep it on
 * the card, and say the verdict. A press of `button` cancels, or ends the speech. Where the card or
 * the model cannot be used, chance is not asked at all; without a bank, there is only silence. */
enum whim_status cat_generate(struct button *button);

/* Make kept cat `number`, 1 to KEPT_MOST, again, show it, and say what was said of it. */
enum whim_status cat_redraw(struct button *button, uint32_t number);

/* Keep the last cat, unless it is kept already, and say where; or that there is none. */
enum whim_status cat_keep(void);

/* Whether cats are kept by themselves, which they are at first. */
void cat_keep_all(bool all);

/* Which of the card's models makes the next cats: 8-bit weights, or those of 4 bits as at first. */
void cat_use(bool int8);

#if WHIM_AUDIO
/* Say `verdict`, below WHIM_VERDICTS, or the last one again for NO_VERDICT, and show it, with its
 * cat if that is the last one. A press of `button` ends it. */
enum whim_status cat_say(struct button *button, uint32_t verdict);
#endif

/* Tell the console of the last picture: how long it took, and what of that the device computed, or
 * waited for the card; how long the card read; and how much; and of the RAM for it. */
void cat_stats(void);

#endif

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
#include "app/worker.h"
#include "drivers/button.h"
#include "whim/random.h"
#include "whim/status.h"

/* All of a cat's RAM, 272 KiB: the worker's arena (worker.h), the room, which is the stream's two
 * buffers (room.h), and so many bytes of structs. Where the worker has a core to itself, the arena
 * lies in that core's memory. Only installation mode needs more: gallery.h. */
enum { CAT_STATE = 4 * 1024 };

/* Before the others. While a cat is made, or speaks, a press of `button` cancels it, or ends the
 * speech; so does `meanwhile`, which is called every few milliseconds, where it answers true. */
void cat_start(struct button *button, bool (*meanwhile)(void));

/* Draw a verdict from three bytes of `entropy`: its mood, then its choices in the four slots. Each
 * is as likely as any other. Errors: those of `entropy`. */
enum whim_status cat_verdict(whim_entropy *entropy, uint32_t *verdict);

/* Draw a latent and a verdict by chance, generate the cat, show it, tell the console, keep it on
 * the card, and say the verdict. With `gallery`, kept cats are shown meanwhile. Where the card or
 * the model cannot be used, chance is not asked at all; without a bank, there is only silence. */
enum whim_status cat_generate(bool gallery);

/* Make kept cat `number`, 1 to KEPT_MOST, again, show it, and say what was said of it. */
enum whim_status cat_redraw(uint32_t number);

/* Keep the last cat, unless it is kept already, and say where; or that there is none. */
enum whim_status cat_keep(void);

/* Whether cats are kept by themselves, which they are at first. */
void cat_keep_all(bool all);

/* Which of the card's models makes the next cats: 8-bit weights, or those of 4 bits as at first. */
void cat_use(bool int8);

#if WHIM_AUDIO
/* Say `verdict`, below WHIM_VERDICTS, or the last one again for NO_VERDICT, and show it, with its
 * cat if that is the last one. */
enum whim_status cat_say(uint32_t verdict);

/* Sound the test tone. */
void cat_tone(void);
#endif

/* The trials of trials.h, by the model that makes the next cats. The last cat's picture is lost. */
enum whim_status cat_card(void);
enum whim_status cat_layers(void);

/* Tell the console of the last picture: how long it took, and what of that the device computed, or
 * waited for the card; how long the card read; and how much; and of the RAM for it. */
void cat_stats(void);

#endif

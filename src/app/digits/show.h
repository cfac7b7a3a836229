/* One picture: seen, read, told. */
#ifndef APP_DIGITS_SHOW_H
#define APP_DIGITS_SHOW_H

#include "app/digits/classify.h"

/* Show the picture in the classifier's input, classify it, tell the console what it is, and show
 * that. The display comes first with the picture, for the net may work where the input lies. A
 * display that fails, with the error in `*shown`, does not keep the answer from being told. Errors:
 * those of classifying. */
enum whim_status show(struct classifier *classifier, enum whim_status *shown);

/* Where there is nothing to tell: a dark left half and a "?", if the display works. */
void show_nothing(void);

#endif

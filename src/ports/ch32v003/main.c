/* Start of the firmware: the chip, then the application, with the die in flash. */
#include "app/app.h"
#include "app/flash_model.h"
#include "ports/ch32v003/chip.h"

int main(void)
{
    port_start();
    app_run(whim_flash_model, whim_flash_model_size);
    return 0; /* never */
}

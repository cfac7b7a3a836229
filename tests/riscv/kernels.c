/* A picture of the shipped die, with the number of instructions that it took by the core's own
 * counter; for comparing two cores. */
#include "result.h"
#include "whim/model.h"

extern const uint8_t model_file[], model_file_end[];

static int8_t arena[4096];

int main(void)
{
    struct whim_model model;
    struct whim_run run;
    int8_t input[32];
    const int8_t *row;
    uint32_t start = instructions(), opened, sum = 0;

    for (uint32_t i = 0; i < sizeof input; i++) input[i] = (int8_t)(37 * (int32_t)i - 90);
    enum whim_status status =
        whim_open(&model, model_file, (uint32_t)(model_file_end - model_file));
    opened = instructions();
    if (!status) status = whim_start(&run, &model, input, arena, sizeof arena);
    while (!status && !(status = whim_next_row(&run, &row))) {
        for (uint32_t x = 0; x < model.width; x++) sum = 31 * sum + (uint8_t)row[x];
    }
    result[0] = (uint32_t)status;
    result[1] = opened - start;
    result[2] = instructions() - opened;
    result[3] = sum;
    return 0;
}
